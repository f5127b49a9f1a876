// Package explain answers what somebody asks at night about a node's directory: who the
// node is, what is committed and applied, what a restart replays, what holds the log back
// from being compacted, which transactions are pending, which elections there were, whether
// the node is behind, and what is odd.
//
//	report, err := explain.New(ctx, log, payload.Of(log, payload.Options{}), explain.Options{})
//	…
//	fmt.Println(report.Compaction.HeldBack, report.Pending.Count)
//
// A Report has facts only, each with the numbers behind it; walfs explain makes sentences
// of them. What the directory does not tell is nil, and listed in NotKnown with the reason.
//
// Payloads are read behind the snapshot only, once; those between the snapshot and the
// oldest pending transaction twice. Memory is bounded.
package explain
