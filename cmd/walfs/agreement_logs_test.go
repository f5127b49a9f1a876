package main

import (
	"encoding/binary"
	"path/filepath"
	"slices"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/nativelog"
	"github.com/walfs/walfs/walcore/payload"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"
)

// agreementLog is a log of which all commands must say the same.
type agreementLog struct {
	name, dir string
	key       []byte
	keyFile   string // "": it needs none
}

// anyLogs write logs with the kinds of entry that no fixture has.
var anyLogs = map[string]func(*testing.T, string){"any-alpha": writeAnyAlpha, "any-zero": writeAnyZero}

// forAgreementLogs runs a test on these fixtures, and on each of anyLogs.
func forAgreementLogs(t *testing.T, fixtures []string, test func(t *testing.T, l agreementLog)) {
	for _, name := range fixtures {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, agreementLog{name, fixture.Dir(t, name), fixture.Key(name), keyFile(t, name)})
		})
	}
	for name, write := range anyLogs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), name)
			write(t, dir)
			test(t, agreementLog{name: name, dir: dir})
		})
	}
}

// writeAnyAlpha writes an Alpha's log: all kinds of entry, several namespaces and
// proposers, and transactions with each sort of end, or none.
func writeAnyAlpha(t *testing.T, dir string) {
	t.Helper()
	alpha := func(proposer uint64, text string) []byte { return proposed(t, "Proposal", proposer, text) }
	edges := []byte("\x00\x01\x00\x02\x00\x00\x00\x03") // a key, and behind it what alpha would give
	mutations := func(b ...byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(slices.Clone(edges), 2, protowire.BytesType), b)
	}
	writeAny(t, dir, 1, []nativelog.Entry{
		{Type: 1, Data: []byte("\x08\x00\x10\x00\x18\x01")}, // add node 1
		{}, // a new leader's
		{Data: alpha(1, `mutations { group_id: 1 start_ts: 10 edges { entity: 1 attr: "0-name" value: "x" value_type: STRING }
			edges { entity: 1 attr: "0-friend" value_id: 2 value_type: UID op: DEL } edges { entity: 2 attr: "0-name" value: "y" value_type: STRING lang: "en" } }`)},
		{Data: alpha(2, `mutations { start_ts: 11 edges { entity: 3 attr: "1f-name" value: "z" op: OVR } edges { entity: 3 attr: "0-age" value: "_STAR_ALL" op: DEL } }`)},
		{Data: alpha(1, `mutations { start_ts: 10 edges { entity: 4 attr: "0-name" value: "more" } }`)},
		{Data: alpha(1, `mutations { start_ts: 12 edges { entity: 4 attr: "\x00\x00\x00\x00\x00\x00\x00\x02old" value: "bytes in front" } edges { entity: 4 attr: "bare" value: "no namespace" } }`)},
		{Data: alpha(3, `delta { txns { start_ts: 10 commit_ts: 13 } txns { start_ts: 11 } txns { start_ts: 9 commit_ts: 13 } max_assigned: 14 }`)},
		{Data: alpha(1, `mutations { start_ts: 10 edges { entity: 5 attr: "0-late" value: "after its commit" } }`)},
		{Data: alpha(65535, `delta { txns { start_ts: 12 } } cdc_state { sent_ts: 8 }`)},
		{Data: alpha(1, `mutations { start_ts: 15 edges { attr: "0-gone" value: "_STAR_ALL" op: DEL } }`)},
		{Data: alpha(1, `mutations { start_ts: 15 edges { entity: 1 attr: "0-a" value: "x" } schema { predicate: "0-a" value_type: INT } types { type_name: "0-T" } }`)},
		{Data: alpha(1, `mutations { schema { predicate: "2-b" } schema { predicate: "0-c" directive: DELETE } }`)},
		{Data: alpha(1, `mutations { types { type_name: "0-U" } }`)},
		{Data: alpha(1, `mutations { drop_op: ALL }`)},
		{Data: alpha(1, `mutations { drop_op: ALL_IN_NS drop_value: "0x2a" }`)},
		{Data: alpha(1, `mutations { drop_op: DATA edges { entity: 1 attr: "0-a" value: "x" } start_ts: 16 }`)},
		{Data: alpha(1, `mutations {}`)},
		{Data: alpha(1, `kv { key: "k" value: "v" version: 3 } kv {}`)},
		{Data: alpha(1, `state { counter: 4 groups { key: 1 value { members { key: 3 value { id: 3 } } members { key: 1 value {} } tablets { key: "0-a" value { predicate: "0-a" } } } }
			groups { key: 2 value {} } zeros { key: 7 value {} } removed { id: 9 } removed {} }`)},
		{Data: alpha(1, `clean_predicate: "3-old"`)},
		{Data: alpha(1, `delta {}`)},
		{Data: alpha(2, `snapshot { context { id: 2 group: 1 addr: "a:7080" } index: 10 read_ts: 20 done: true }`)},
		{Data: alpha(2, `snapshot { index: 12 }`)},
		{Data: alpha(1, `restore { group_id: 1 restore_ts: 2 location: "s3://b" access_key: "a" secret_key: "s" }`)},
		{Data: alpha(1, `cdc_state { sent_ts: 8 }`)},
		{Data: alpha(1, `delete_ns { group_id: 1 namespace: 2 }`)},
		{Data: alpha(1, `ext_snapshot_state { start: true }`)},
		{Data: alpha(1, `index: 3 start_ts: 5`)},
		{Data: alpha(0, `mutations { start_ts: 17 edges { entity: 1 attr: "0-name" value: "by nobody" } }`)},
		// Fields of a wrong wire type are none: start_ts as bytes, an edge as a number, and
		// one that is an edge; a predicate that is a number.
		{Data: mutations(0x12, 1, 'x', 0x18, 5, 0x1a, 4, 0x08, 9, 0x10, 7)},
		{Data: append(slices.Clone(edges), 0x40, 1, 0x30, 1)},    // delta and clean_predicate as numbers
		{Data: mutations(0x1a, 6, 0x12, 4, '0', '-', 0xff, 'u')}, // its predicate is no UTF-8
		{Data: []byte("text")},
		{Data: []byte("\x00\x01\xff")},
		{Type: 1, Data: []byte("\x10\x01\x18\x03")},                         // remove node 3
		{Type: 2, Data: []byte("\x12\x04\x08\x00\x10\x05\x12\x02\x10\x04")}, // add nodes 5 and 4
		{Type: 2}, // leave the joint configuration
		{Type: 1, Data: []byte("\x08")},
	})
}

// writeAnyZero writes a Zero's log.
func writeAnyZero(t *testing.T, dir string) {
	t.Helper()
	var entries []nativelog.Entry
	for i, text := range []string{
		`member { id: 1 groupId: 1 addr: "h:7080" leader: true } maxRaftId: 1`,
		`member { id: 2 amDead: true }`,
		`tablet { groupId: 2 predicate: "0-a" force: true }`,
		`tablets { groupId: 1 predicate: "1-a" } tablets { groupId: 2 predicate: "0-b" remove: true }`,
		`maxUID: 1 maxTxnTs: 2 maxNsID: 3`,
		`txn { start_ts: 3 commit_ts: 5 keys: "k" preds: "1-0-a" preds: "1-2-c" preds: "nothing" }`,
		`txn { start_ts: 4 commit_ts: 6 aborted: true }`,
		`txn { start_ts: 7 }`,
		`cid: "c-1"`,
		`snapshot_ts { key: 1 value: 2 }`,
		`snapshot { index: 1 checkpoint_ts: 2 state { counter: 1 } }`,
		`delete_ns { namespace: 7 }`,
	} {
		entries = append(entries, nativelog.Entry{Data: proposed(t, "ZeroProposal", uint64(i%3+1), text)})
	}
	writeAny(t, dir, 0, entries)
}

// writeAny writes a log of these entries, half of them of term 2, the others of term 5.
func writeAny(t *testing.T, dir string, group uint64, entries []nativelog.Entry) {
	t.Helper()
	for i := range entries {
		entries[i].Index, entries[i].Term = uint64(i+1), 2
		if i >= len(entries)/2 {
			entries[i].Term = 5
		}
	}
	m := nativelog.Meta{RaftID: 1, GroupID: group, Term: 5, Commit: uint64(len(entries))}
	fixture.Must(t, nativelog.Write(dir, m, slices.Values(entries)))
}

// proposed is an entry's data: a key with the proposer's raft id, and a message.
func proposed(t *testing.T, message string, proposer uint64, text string) []byte {
	t.Helper()
	md, err := payload.LoadMessage("../../walcore/payload/dgraph.proto", "walfs.dgraph."+message)
	fixture.Must(t, err)
	m := dynamicpb.NewMessage(md)
	fixture.Must(t, prototext.Unmarshal([]byte(text), m))
	data := binary.BigEndian.AppendUint64(nil, proposer<<48|0x123<<16|7)
	data, err = proto.MarshalOptions{Deterministic: true}.MarshalAppend(data, m)
	fixture.Must(t, err)
	return data
}
