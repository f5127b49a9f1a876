// Package status counts what is in a log: the JSON that walfs stat prints and that
// a mount shows as status.json.
//
//	s := status.New(log)
//	text, err := s.JSON()
//
// It reads no payloads, so it does not find damage inside them, and does not say
// what the entries mean.
package status
