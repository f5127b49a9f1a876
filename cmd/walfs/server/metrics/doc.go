// Package metrics tells Prometheus of the directories that are served. The metrics are listed in
// cmd/walfs/docs/monitoring.md.
//
// What is not known is not exported: a 0 is a 0. How many series there are is bounded, whatever
// a log holds: kinds are a fixed list, and no more than 1,000 log files of a replica are told
// apart.
package metrics
