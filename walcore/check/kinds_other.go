package check

import "github.com/walfs/walfs/walcore"

// otherMeaning is what a kind of problem means for a node of a system other than Dgraph.
type otherMeaning struct {
	note   bool // no damage
	effect Effect
	node   string // what the node does
}

// otherMeanings has, by system, the kinds of which more can be said than that a node does not
// start when it reads the damage.
var otherMeanings = map[string]map[walcore.Kind]otherMeaning{
	walcore.Etcd: {
		walcore.KindTorn:       {note: true, effect: Unnoticed, node: "etcd cuts it off when it starts, and goes on from there"},
		walcore.KindIgnored:    {note: true, effect: Unnoticed, node: "etcd leaves it alone"},
		walcore.KindSnapshot:   {effect: Unnoticed, node: "etcd sets the file aside, and starts from the newest one that is whole, if the log reaches back to it"},
		walcore.KindCommit:     {effect: Refused, node: "etcd panics: the log does not reach the commit index"},
		walcore.KindUnreadable: {effect: Refused, node: "etcd does not start"},
	},
	walcore.HashiCorp: {
		walcore.KindTorn:     {note: true, effect: Unnoticed, node: "the node begins to write there, and goes on"},
		walcore.KindIgnored:  {note: true, effect: Unnoticed, node: "the node leaves it alone"},
		walcore.KindSnapshot: {effect: Unnoticed, node: "the node starts from the newest snapshot that is whole, and not at all if none is"},
	},
}

// otherRemedies are what to do about damage, by system: walfs repair is for Dgraph's format.
var otherRemedies = map[string]string{
	walcore.Etcd:      "take the member out of its cluster and add it again with an empty directory; if no quorum is left, restore a backup with etcdutl snapshot restore",
	walcore.HashiCorp: "stop the node, move its raft folder away, and let it join again; if no quorum is left, recover the cluster with peers.json",
}

// meaningFor gives what a problem means in the log of another system than Dgraph. ok is false of
// Dgraph's.
func meaningFor(system string, p walcore.Problem) (m otherMeaning, ok bool) {
	kinds, ok := otherMeanings[system]
	if !ok {
		return m, false
	}
	if p.Kind == walcore.KindSnapshot && p.File == "." { // it is with the directory, and not with a file of it
		return otherMeaning{effect: Refused, node: "a node does not start: neither the log nor a snapshot goes back to the beginning"}, true
	}
	if m, known := kinds[p.Kind]; known {
		return m, true
	}
	return otherMeaning{effect: Refused, node: "a node of " + system + " does not start, if it reads that: it begins at the newest snapshot"}, true
}

// isNote reports whether a problem is no damage.
func isNote(system string, p walcore.Problem) bool {
	if m, ok := meaningFor(system, p); ok {
		return m.note
	}
	return MeaningOf(p.Kind).Note
}
