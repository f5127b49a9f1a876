package payload

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/walfs/walfs/walcore"
)

// Node is what a log tells of a member of the group. What it does not tell is empty.
type Node struct {
	Name    string // etcd's members have names
	Address string // of etcd's members the peer URLs, with commas between them
}

// etcdMember is what etcd puts in the context of a configuration change.
type etcdMember struct {
	ID        uint64   `json:"id"`
	PeerURLs  []string `json:"peerURLs"`
	Name      string   `json:"name"`
	IsPromote bool     `json:"isPromote"` // a learner gets a vote
}

// maxMember is the size of the largest context that is taken for a member.
const maxMember = 64 << 10

// memberOf gives the member in the context of a configuration change of etcd's.
func memberOf(e Entry) (m etcdMember, ok bool) {
	context := e.context()
	if len(context) == 0 || context[0] != '{' || len(context) > maxMember || !utf8.Valid(context) {
		return m, false
	}
	err := json.Unmarshal(context, &m)
	return m, err == nil && m.ID != 0
}

// NodeOf gives the member that a configuration change adds or changes, with what it tells of
// it. system is that of the log. ok is false where it tells nothing.
func NodeOf(system string, e Entry) (id uint64, n Node, ok bool) {
	if system == walcore.Etcd {
		m, ok := memberOf(e)
		return m.ID, Node{m.Name, strings.Join(m.PeerURLs, ",")}, ok && len(m.PeerURLs) > 0
	}
	c, ok := RaftContextOf(e)
	return c.ID, Node{Address: c.Addr}, ok && c.Addr != ""
}

// SnapshotNodes gives what the snapshot of a log tells of members, by id. It is empty where
// there is no snapshot that can be read.
func SnapshotNodes(l walcore.Log) map[uint64]Node {
	nodes := make(map[uint64]Node)
	blob, err := SnapshotData(l.Meta().Snapshot)
	if len(blob) == 0 || err != nil {
		return nodes
	}
	if l.Meta().System.Name == walcore.Etcd {
		etcdNodes(nodes, blob)
		return nodes
	}
	for id, address := range Addresses(AppOf(l), blob) {
		nodes[id] = Node{Address: address}
	}
	return nodes
}

// storeMembers is the part of etcd's old store that has the members, by id in hex.
type storeMembers struct {
	Root struct {
		Children struct {
			Cluster struct {
				Children struct {
					Members struct {
						Children map[string]storeMember
					} `json:"members"`
				}
			} `json:"0"`
		}
	}
}

type storeMember struct {
	Children struct {
		Attributes     struct{ Value string } `json:"attributes"`     // JSON: name, clientURLs
		RaftAttributes struct{ Value string } `json:"raftAttributes"` // JSON: peerURLs, isLearner
	}
}

// maxStore is the size of the largest store whose members are looked for. That of 3.5 and
// later has some kilobytes.
const maxStore = 4 << 20

func etcdNodes(nodes map[uint64]Node, blob []byte) {
	var store storeMembers
	if len(blob) > maxStore || json.Unmarshal(blob, &store) != nil {
		return
	}
	for hex, stored := range store.Root.Children.Cluster.Children.Members.Children {
		id, err := strconv.ParseUint(hex, 16, 64)
		if err != nil {
			continue
		}
		var m etcdMember
		// Where one of them is no JSON, it tells nothing.
		_ = json.Unmarshal([]byte(stored.Children.Attributes.Value), &m)
		_ = json.Unmarshal([]byte(stored.Children.RaftAttributes.Value), &m)
		nodes[id] = Node{m.Name, strings.Join(m.PeerURLs, ",")}
	}
}
