package metrics

import (
	"github.com/prometheus/client_golang/prometheus"
)

// metric is one that is exported, with its labels. All have the label replica.
type metric struct {
	name   string
	labels []string
	kind   prometheus.ValueType
	help   string
	desc   *prometheus.Desc
}

func gauge(name, help string, labels ...string) *metric {
	return newMetric(name, help, prometheus.GaugeValue, labels)
}

func counter(name, help string) *metric { return newMetric(name, help, prometheus.CounterValue, nil) }

// all are the metrics.
var all []*metric

func newMetric(name, help string, kind prometheus.ValueType, labels []string) *metric {
	m := &metric{name, append([]string{"replica"}, labels...), kind, help, nil}
	m.desc = prometheus.NewDesc(name, help, m.labels, nil)
	all = append(all, m)
	return m
}

var (
	up   = gauge("walfs_up", "Whether the directory and its files could be read when they were looked at last.")
	info = gauge("walfs_info", "Always 1. The labels say which system's log it is, and of which node of which group.",
		"system", "id", "group")

	firstIndex    = gauge("walfs_first_index", "The index of the first entry that a node can read from its log.")
	lastIndex     = gauge("walfs_last_index", "The index of the last entry.")
	commitIndex   = gauge("walfs_commit_index", "The commit index as the node has stored it.")
	appliedIndex  = gauge("walfs_applied_index", "The last index that the node has noted as applied: its checkpoint.")
	snapshotIndex = gauge("walfs_snapshot_index", "The index of the snapshot that the node starts from; 0 if there is none.")
	term          = gauge("walfs_term", "The term as the node has stored it.")
	vote          = gauge("walfs_vote", "The raft id of the node that was voted for in the term, of Dgraph's; 0 if for none.")
	voteInfo      = gauge("walfs_vote_info", "Always 1. The label says who was voted for, where ids are no plain numbers.", "vote")

	entries      = gauge("walfs_entries", "Entries by log file and kind, of those that are counted.", "file", "kind")
	entryBytes   = gauge("walfs_entry_bytes", "Bytes of the payloads of entries by log file and kind, of those that are counted.", "file", "kind")
	countedIndex = gauge("walfs_counted_index", "The index up to which entries are counted; less than the last while a log is being read.")
	pending      = gauge("walfs_pending_transactions", "Transactions of an Alpha that began behind the snapshot and are not decided at the commit index.")

	fileBytes = gauge("walfs_file_bytes", "Length of a log file.", "file")
	diskBytes = gauge("walfs_file_disk_bytes", "What a log file takes of the disk.", "file")

	rewrites  = counter("walfs_rewrites_total", "How often entries that were in the log were replaced or dropped, since walfs looks at it.")
	elections = counter("walfs_elections_total", "By how much the term has risen, since walfs looks at the log.")
	problems  = gauge("walfs_problems", "What is wrong with the directory, by kind, as walfs check names it.", "kind")
	lastEntry = gauge("walfs_last_entry_timestamp_seconds", "When the last entry was appended, where the system stores that; else when its log file was last written.")
)
