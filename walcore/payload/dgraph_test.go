package payload

import (
	"encoding/binary"
	"reflect"
	"strings"
	"testing"

	testfixture "github.com/walfs/walfs/test/fixture"
	"google.golang.org/protobuf/encoding/protowire"
)

const testKey = 0x0001_72756e31_0007 // 407323662155783: node 1, counter 7

// keyed puts a proposal key before an encoded proposal.
func keyed(b []byte) []byte {
	return append(binary.BigEndian.AppendUint64(nil, testKey), b...)
}

// dgraph encodes the text form of a message of the built-in schema.
func dgraph(t testing.TB, name, text string) []byte {
	t.Helper()
	return encode(t, load(t, "dgraph.proto", "walfs.dgraph."+name), text)
}

// proposals has every field of an Alpha's and a Zero's proposal, as protobuf text, as
// JSON and as one line. want is empty where it is what protojson gives.
var proposals = []struct {
	app        App
	text, want string
	kind, line string
}{
	{Alpha, `mutations { group_id: 1 start_ts: 7 edges { entity: 1 attr: "0-name" value: "x" value_type: STRING lang: "en" namespace: 3 allowedPreds: "a" }
		edges { entity: 1 attr: "0-friend" value_id: 2 value_type: UID op: DEL } metadata { pred_hints { key: "0-name" value: LIST } pred_hints { key: "0-age" value: DEFAULT } } }`,
		`{"mutations":{"group_id":1,"start_ts":"7","edges":[{"entity":"1","attr":"0-name","value":"x","value_type":"STRING","lang":"en","allowedPreds":["a"],"namespace":"3"},{"entity":"1","attr":"0-friend","value_type":"UID","value_id":"2","op":"DEL"}],"metadata":{"pred_hints":{"0-age":"DEFAULT","0-name":"LIST"}}}}`,
		KindMutation, "txn 7: 2 edges (1 deleted): 0-friend 1, 0-name 1"},
	{Alpha, `mutations { start_ts: 7 schema { predicate: "0-a" value_type: INT directive: INDEX tokenizer: "int" count: true list: true upsert: true lang: true
		non_nullable: true non_nullable_list: true object_type_name: "T" no_conflict: true unique: true index_specs { name: "hnsw" options { key: "metric" value: "cosine" } } }
		schema { predicate: "0-b" directive: REVERSE value_type: UID } schema { predicate: "0-c" directive: DELETE } types { type_name: "0-T" fields { predicate: "0-a" }
		fields { predicate: "0-b" value_type: UID list: true object_type_name: "U" non_nullable: true } } types { type_name: "0-U" } }`, "",
		KindSchema, "schema 0-a [INT] INDEX(int,hnsw(metric:cosine)) count upsert lang non_nullable non_nullable_list no_conflict unique of T, " +
			"0-b UID REVERSE, 0-c DEFAULT DELETE; types 0-T(0-a, 0-b [UID] non_nullable of U), 0-U"},
	{Alpha, `mutations { drop_op: ALL }`, "", KindDrop, "drop ALL"},
	{Alpha, `mutations { drop_op: TYPE drop_value: "0-T" start_ts: 9 }`, "", KindDrop, "drop TYPE 0-T"},
	{Alpha, `mutations { drop_op: ALL_IN_NS }`, "", KindDrop, "drop ALL_IN_NS"},
	{Alpha, `mutations { start_ts: 9 edges { attr: "0-name" value: "_STAR_ALL" op: DEL } }`, "", KindDrop, "drop predicate 0-name"},
	{Alpha, `mutations { edges { op: OVR } }`, "", KindMutation, "txn 0: 1 edge:  1"},
	{Alpha, `kv { key: "k" value: "v" user_meta: "\x01" version: 3 expires_at: 4 meta: "\x02" stream_id: 5 stream_done: true } kv {}`, "",
		KindKV, "2 key-values, 20 bytes"},
	{Alpha, `state { counter: 4 groups { key: 1 value { members { key: 1 value { id: 1 groupId: 1 addr: "a:1" leader: true amDead: true lastUpdate: 2 learner: true clusterInfoOnly: true forceGroupId: true } }
		tablets { key: "0-a" value { groupId: 1 predicate: "0-a" force: true on_disk_bytes: -1 remove: true readOnly: true moveTs: 3 uncompressed_bytes: 9 } } snapshot_ts: 1 checksum: 2 checkpoint_ts: 3 } }
		zeros { key: 1 value {} } maxUID: 1 maxTxnTs: 2 maxRaftId: 3 removed {} removed {} cid: "c" maxNsID: 5 }`, "",
		KindState, "membership 4: 1 groups, 1 zeros, 2 removed"},
	{Alpha, `clean_predicate: "0-old"`, "", KindClean, "clean predicate 0-old"},
	{Alpha, `delta { txns { start_ts: 3 commit_ts: 5 } txns { start_ts: 4 } max_assigned: 6 group_checksums { key: 1 value: 0 } }`,
		`{"delta":{"txns":[{"start_ts":"3","commit_ts":"5"},{"start_ts":"4"}],"max_assigned":"6","group_checksums":{"1":"0"}}}`,
		KindDelta, "2 txns: commit 3 -> 5, abort 4; max_assigned 6"},
	{Alpha, `delta {}`, "", KindDelta, "empty delta"},
	{Alpha, `delta { group_checksums { key: 2 value: 9 } }`, "", KindDelta, "checksum of group 2 9"},
	{Alpha, `snapshot { context { id: 3 group: 1 addr: "a" snapshot_ts: 2 is_learner: true } index: 10 read_ts: 20 done: true since_ts: 4 }`, "",
		KindSnapshot, "snapshot at 10 read_ts 20 since_ts 4 by node 3 of group 1 at a, learner, done"},
	{Alpha, `snapshot { index: 10 read_ts: 20 }`, "", KindSnapshot, "snapshot at 10 read_ts 20"},
	{Alpha, `index: 3 expected_checksum: 4 start_ts: 5`, `{"index":"3","expected_checksum":"4","start_ts":"5"}`, KindOther, "15 bytes that summarize to nothing; the JSON has them all"},
	{Alpha, `restore { group_id: 1 restore_ts: 2 location: "s3://b" backup_id: "id" anonymous: true encryption_key_file: "/k" vault_addr: "v" vault_path: "p" vault_field: "f"
		vault_format: "raw" backup_num: 16 incremental_from: 17 is_partial: true fromNamespace: 19 isNamespaceAwareRestore: true }`, "",
		KindRestore, "restore group 1 at ts 2 from s3://b backup id"},
	{Alpha, `cdc_state { sent_ts: 8 }`, "", KindCDC, "change data sent up to 8"},
	{Alpha, `delete_ns { group_id: 1 namespace: 2 }`, "", KindDeleteNs, "delete namespace 2 in group 1"},
	{Alpha, `ext_snapshot_state { start: true drop_data: true }`, "", KindExtSnapshot, "external snapshot, start, drop data"},
	{Alpha, `ext_snapshot_state { finish: true }`, "", KindExtSnapshot, "external snapshot, finish"},

	{Zero, `snapshot_ts { key: 1 value: 2 } snapshot_ts { key: 3 value: 4 }`, "", KindSnapshot, "snapshot of group 1 at ts 2; snapshot of group 3 at ts 4"},
	{Zero, `member { id: 1 groupId: 1 addr: "h:7080" leader: true lastUpdate: 5 } maxRaftId: 1`,
		`{"member":{"id":"1","groupId":1,"addr":"h:7080","leader":true,"lastUpdate":"5"},"maxRaftId":"1"}`,
		KindMember, "member 1 of group 1 at h:7080, leader; raft ids to 1"},
	{Zero, `member { id: 2 amDead: true learner: true }`, "", KindMember, "member 2 of group 0, removed, learner"},
	{Zero, `member { id: 2 groupId: 1 clusterInfoOnly: true forceGroupId: true }`, "", KindMember, "member 2 of group 1, for cluster information only, group forced"},
	{Zero, `tablet { groupId: 2 predicate: "0-a" force: true moveTs: 8 on_disk_bytes: 9 }`, "", KindTablet, "tablet 0-a in group 2, forced, moved at ts 8, 9 bytes on disk"},
	{Zero, `tablets { groupId: 1 predicate: "0-a" } tablets { groupId: 2 predicate: "0-b" remove: true }`, "",
		KindTablet, "tablet 0-a in group 1; tablet 0-b in group 2, removed"},
	{Zero, `maxUID: 1 maxTxnTs: 2 maxNsID: 3`, "", KindLease, "lease uids to 1; lease timestamps to 2; lease namespaces to 3"},
	{Zero, `txn { start_ts: 3 commit_ts: 5 keys: "k" preds: "1-0-a" hash: "h" }`, "", KindTxn, "commit 3 -> 5"},
	{Zero, `txn { start_ts: 3 commit_ts: 5 aborted: true }`, "", KindTxn, "abort 3"},
	{Zero, `cid: "c-1"`, "", KindLease, "cluster id c-1"},
	{Zero, `snapshot { index: 1 checkpoint_ts: 2 state { counter: 1 } }`, "", KindSnapshot, "snapshot at 1 checkpoint_ts 2"},
	{Zero, `delete_ns { namespace: 7 }`, "", KindDeleteNs, "delete namespace 7 in group 0"},
}

// TestProposals: each is shown with all its fields, and summarized.
func TestProposals(t *testing.T) {
	for _, tt := range proposals {
		name := map[App]string{Alpha: "Proposal", Zero: "ZeroProposal"}[tt.app]
		md := load(t, "dgraph.proto", "walfs.dgraph."+name)
		e := Entry{Term: 2, Index: 42, Data: keyed(encode(t, md, tt.text))}
		d := NewDgraph(tt.app, Options{})

		compact, _ := d.AppendCompact(nil, e)
		got := parse(t, compact)
		if got["key"] != "407323662155783" {
			t.Errorf("%s: key %v", tt.text, got["key"])
		}
		if tt.want != "" {
			if want := `"proposal":` + tt.want + `}`; !strings.HasSuffix(string(compact), want) {
				t.Errorf("%s:\ngot  %s\nwant …%s", tt.text, compact, want)
			}
		} else {
			want, _ := reference(t, md, e.Data[keySize:])
			testfixture.DecodeValues(t, want)
			if !reflect.DeepEqual(got["proposal"], any(want)) {
				t.Errorf("%s:\ngot  %v\nwant %v", tt.text, got["proposal"], want)
			}
		}

		var s Summary
		if err := d.Summarize(&s, e); err != nil || s.Kind != tt.kind || string(s.Line) != tt.line {
			t.Errorf("%s: summary %s %q (%v), want %s %q", tt.text, s.Kind, s.Line, err, tt.kind, tt.line)
		}
	}
}

// TestConfChanges: both versions, with and without a RaftContext. A version 2 without
// changes ends a joint configuration.
func TestConfChanges(t *testing.T) {
	context := dgraph(t, "RaftContext", `id: 3 group: 1 addr: "h:7082" is_learner: true`)
	tagged := func(num protowire.Number, b []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, num, protowire.BytesType), b)
	}
	for _, tt := range []struct {
		typ        uint32
		data       []byte
		want, line string
	}{
		{1, []byte("\x08\x00\x10\x00\x18\x01"), `"conf_change":{"type":"ConfChangeAddNode","node_id":"1","id":"0"}}`, "add node 1"},
		{1, join([]byte("\x10\x01\x18\x03"), tagged(4, context)),
			`"conf_change":{"type":"ConfChangeRemoveNode","node_id":"3"},"raft_context":{"id":"3","group":1,"addr":"h:7082","is_learner":true}}`,
			"remove node 3 at h:7082 group 1, learner"},
		{1, join([]byte("\x10\x03\x18\x03"), tagged(4, []byte("ctx"))), `"conf_change":{"type":"ConfChangeAddLearnerNode","node_id":"3","context":"Y3R4"}}`, "add learner 3"},
		{1, join([]byte("\x10\x09\x18\x03"), tagged(9, []byte("new"))),
			`"conf_change":{"type":9,"node_id":"3","unknown_fields":[{"number":9,"wire_type":"bytes","value":"new"}]}}`, "unknown change of node 3"},
		{1, []byte("\x08"), `"text":"\u0008"}`, `"\b"`},
		{2, nil, `"conf_change_v2":{}}`, "leave joint configuration"},
		{2, []byte("\x08\x02\x12\x04\x08\x00\x10\x03\x12\x04\x08\x03\x10\x04"),
			`"conf_change_v2":{"transition":"ConfChangeTransitionJointExplicit","changes":[{"type":"ConfChangeAddNode","node_id":"3"},{"type":"ConfChangeAddLearnerNode","node_id":"4"}]}}`,
			"add node 3, add learner 4, joint until left"},
		{2, join([]byte("\x08\x01\x12\x04\x08\x00\x10\x03"), tagged(3, context)),
			`"conf_change_v2":{"transition":"ConfChangeTransitionJointImplicit","changes":[{"type":"ConfChangeAddNode","node_id":"3"}]},"raft_context":{"id":"3","group":1,"addr":"h:7082","is_learner":true}}`,
			"add node 3, joint at h:7082 group 1, learner"},
		{7, []byte("x"), `"type":7,"size":1,"text":"x"}`, `"x"`},
		{7, nil, `"type":7,"size":0}`, "no data"},
	} {
		for _, app := range []App{Alpha, Zero} {
			d := NewDgraph(app, Options{})
			e := Entry{Type: tt.typ, Data: tt.data}
			got, _ := d.AppendCompact(nil, e)
			if !strings.HasSuffix(string(got), tt.want) {
				t.Errorf("%q: got %s, want …%s", tt.data, got, tt.want)
			}
			parse(t, got)
			var s Summary
			if _ = d.Summarize(&s, e); string(s.Line) != tt.line {
				t.Errorf("%q: got line %q, want %q", tt.data, s.Line, tt.line)
			}
		}
	}
	c, ok := RaftContextOf(Entry{Type: 1, Data: tagged(4, context)})
	if want := (RaftContext{ID: 3, Group: 1, Addr: "h:7082", IsLearner: true}); !ok || c != want {
		t.Errorf("got %v %v, want %v", c, ok, want)
	}
}

// TestSnapshots: the same bytes mean different things in the two kinds of log.
func TestSnapshots(t *testing.T) {
	alpha := dgraph(t, "Snapshot", `context { id: 3 } index: 10 read_ts: 20`)
	zero := dgraph(t, "ZeroSnapshot", `index: 10 checkpoint_ts: 20 state { counter: 5 maxUID: 6 }`)
	for _, tt := range []struct {
		app  App
		blob []byte
		want string
	}{
		{Alpha, alpha, `{"size":15,"snapshot":{"context":{"id":"3"},"index":"10","read_ts":"20"}}`},
		{Zero, zero, `{"size":10,"snapshot":{"index":"10","checkpoint_ts":"20","state":{"counter":"5","maxUID":"6"}}}`},
		{Alpha, nil, `{"size":0}`},
		{Alpha, []byte("\xff"), `{"size":1,"base64":"/w=="}`},
		{Zero, []byte("plain text"), `{"size":10,"text":"plain text"}`},
		{Zero, []byte("Plain textx"), `{"size":11,"text":"Plain textx"}`}, // would parse
		{Alpha, []byte("Plain textx"), `{"size":11,"text":"Plain textx"}`},
	} {
		got := NewDgraph(tt.app, Options{}).AppendSnapshot([]byte("kept"), tt.blob)
		if !strings.HasPrefix(string(got), "kept{\n  \"size\"") || !strings.HasSuffix(string(got), "\n}\n") {
			t.Errorf("layout: %s", got)
		}
		if !reflect.DeepEqual(parse(t, got[4:]), parse(t, []byte(tt.want))) {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
	got := NewDgraph(Alpha, Options{}).AppendSnapshot(nil, zero)
	if !strings.Contains(string(got), "unknown_fields") {
		t.Errorf("a Zero's snapshot passes for an Alpha's: %s", got)
	}
}
