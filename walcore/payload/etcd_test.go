package payload

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/walfs/walfs/walcore"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	testfixture "github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/memlog"
)

// etcdFixtures are those that are there.
func etcdFixtures(t testing.TB) []string {
	names := []string{"etcd-small"}
	if testfixture.Full() {
		for _, name := range []string{"etcd-single", "etcd-killed", "etcd-n1", "etcd-n2", "etcd-n3", "etcd-rewritten"} {
			if testfixture.Has(name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// TestEtcdFixtures compares each entry with what etcd's own types decode it to.
func TestEtcdFixtures(t *testing.T) {
	d := NewEtcd(Options{ShowSecrets: true})
	for _, name := range etcdFixtures(t) {
		log := readEtcd(t, name)
		i := 0
		testfixture.Lines(t, name, "decoded", func(line []byte) {
			e := log.entries[i]
			i++
			want := testfixture.ParseJSON(t, line)
			want["size"] = json.Number(fmt.Sprint(len(e.Data)))
			for _, change := range []string{"conf_change", "conf_change_v2"} {
				if c, ok := want[change].(map[string]any); ok && c["context"] != nil {
					context, err := base64.StdEncoding.DecodeString(c["context"].(string))
					testfixture.Must(t, err)
					want["member"] = testfixture.ParseJSON(t, context)
					delete(c, "context")
				}
			}
			got := etcdJSON(t, d, e)
			textOfBytes(t, want)
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("%s entry %d:\ngot  %v\nwant %v", name, e.Index, got, want)
			}
		})
		if i != len(log.entries) || i == 0 {
			t.Errorf("%s: %d entries, %d lines", name, len(log.entries), i)
		}
	}
}

// etcdJSON is an entry in both forms, which agree.
func etcdJSON(t *testing.T, d Decoder, e Entry) map[string]any {
	t.Helper()
	text, _ := d.AppendJSON(nil, e)
	checkLayout(t, text)
	compact, _ := d.AppendCompact(nil, e)
	got := parse(t, text)
	if !reflect.DeepEqual(got, parse(t, compact)) {
		t.Fatalf("entry %d: the forms differ:\n%s\n%s", e.Index, text, compact)
	}
	return got
}

// textOfBytes makes text of the keys and values in v, which are base64, where they are text.
func textOfBytes(t testing.TB, v any) {
	t.Helper()
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			textOfBytes(t, e)
		}
	case map[string]any:
		for _, name := range []string{"key", "value", "range_end"} {
			encoded, ok := v[name].(string)
			if !ok {
				continue
			}
			b, err := base64.StdEncoding.DecodeString(encoded)
			testfixture.Must(t, err)
			delete(v, name)
			if strings.ContainsFunc(string(b), func(r rune) bool {
				return r == '\uFFFD' || r < ' ' && r != '\n' && r != '\r' && r != '\t' || r >= 0x7f && r < 0xa0
			}) {
				v[name+"_base64"] = encoded
			} else {
				v[name] = string(b)
			}
		}
		for _, e := range v {
			textOfBytes(t, e)
		}
	}
}

// etcd encodes the text form of a request.
func etcd(t testing.TB, text string) []byte {
	t.Helper()
	return encode(t, load(t, "etcd.proto", "walfs.etcd.InternalRaftRequest"), text)
}

const pod = `k8s\x00\n\t\n\x02v1\x12\x03Pod\x12\x02\x08\x01`

// etcdRequests has each kind of request, as protobuf text, as JSON and as one line. want is
// empty where it is what protojson gives, but for keys and values.
var etcdRequests = []struct {
	text, want string
	kind, line string
}{
	{`put { key: "/a" value: "x\ny" lease: 255 prev_kv: true }`, `{"put":{"key":"/a","value":"x\ny","lease":"255","prev_kv":true}}`,
		KindPut, "put /a 3 bytes lease ff"},
	{`put { key: "/a" value: "\x01" ignore_lease: true ignore_value: true }`, `{"put":{"key":"/a","value_base64":"AQ==","ignore_value":true,"ignore_lease":true}}`,
		KindPut, "put /a 1 bytes ignore_value ignore_lease"},
	{`put { key: "\xff\x00" value: "\xc2\x85" }`, `{"put":{"key_base64":"/wA=","value_base64":"woU="}}`, KindPut, `put "\xff\x00" 2 bytes`},
	{`put { value: "x" } header { username: "alice" }`, `{"header":{"username":"alice"},"put":{"value":"x"}}`, KindPut, `put "" 1 bytes by alice`},
	{`put { key: "/p" value: "` + pod + `" }`,
		`{"put":{"key":"/p","value_base64":"azhzAAoJCgJ2MRIDUG9kEgIIAQ==","kubernetes":{"api_version":"v1","kind":"Pod"}}}`, KindPut, "put /p v1 Pod 19 bytes"},
	{`put { key: "/p" value: "k8s\x00\n" }`, `{"put":{"key":"/p","value":"[redacted]"}}`, KindPut, "put /p 5 bytes"},
	{`put { key: "/p" value: "{\"kind\": \"Widget\", \"apiVersion\": \"example.com/v1\"}" }`,
		`{"put":{"key":"/p","value":"{\"kind\": \"Widget\", \"apiVersion\": \"example.com/v1\"}","kubernetes":{"api_version":"example.com/v1","kind":"Widget"}}}`,
		KindPut, "put /p example.com/v1 Widget 50 bytes"},
	{`put { key: "/p" value: "{\"kind\": \"no object of Kubernetes\"}" }`,
		`{"put":{"key":"/p","value":"{\"kind\": \"no object of Kubernetes\"}"}}`, KindPut, "put /p 35 bytes"},
	{`put { key: "/registry/secrets/ns/x" value: "k8s:enc:aescbc:v1:key1:\x01\x02" }`,
		`{"put":{"key":"/registry/secrets/ns/x","value":"[redacted]","kubernetes":{"kind":"Secret","encrypted_by":"aescbc:v1:key1"}}}`,
		KindPut, "put /registry/secrets/ns/x Secret encrypted by aescbc:v1:key1 25 bytes"},
	{`put { key: "/registry/configmaps/ns/x" value: "k8s:enc:kms:v2:vault:\x01" }`,
		`{"put":{"key":"/registry/configmaps/ns/x","value_base64":"azhzOmVuYzprbXM6djI6dmF1bHQ6AQ==","kubernetes":{"encrypted_by":"kms:v2:vault"}}}`,
		KindPut, "put /registry/configmaps/ns/x encrypted by kms:v2:vault 22 bytes"},
	{`put { key: "/p" value: "k8s:enc:kms:v2 and no more" }`,
		`{"put":{"key":"/p","value":"k8s:enc:kms:v2 and no more"}}`, KindPut, "put /p 26 bytes"},
	{`range { key: "/a" range_end: "/b" limit: 1 revision: 2 sort_order: DESCEND sort_target: MOD serializable: true keys_only: true count_only: true
		min_mod_revision: 3 max_mod_revision: 4 min_create_revision: 5 max_create_revision: 6 }`, "", KindRange, "range /a../b"},
	{`delete_range { key: "/a" }`, "", KindDeleteRange, "delete_range /a"},
	{`delete_range { key: "/a" range_end: "\x00" }`, `{"delete_range":{"key":"/a","range_end_base64":"AA=="}}`, KindDeleteRange, "delete_range /a.."},
	{`txn { compare { result: GREATER target: MOD key: "/a" mod_revision: 4 } compare { target: VALUE key: "/b" value: "xyz" } compare { result: NOT_EQUAL target: LEASE key: "/c" range_end: "/d" lease: 31 }
		success { request_put { key: "/a" value: "v" } } success { request_delete_range { key: "/b" range_end: "/c" } } failure { request_range { key: "/a" } }
		failure { request_txn { compare { result: LESS key: "/e" version: 0 } success { request_put {} } } } }`, "",
		KindTxn, `txn: if mod(/a) > 4, value(/b) = 3 bytes, lease(/c../d) != 1f then put /a 1 bytes, delete_range /b../c else range /a, (txn: if ver(/e) < 0 then put "" 0 bytes)`},
	{`txn { compare { target: VALUE key: "/a" value: "` + pod + `" } }`,
		`{"txn":{"compare":[{"target":"VALUE","key":"/a","value_base64":"azhzAAoJCgJ2MRIDUG9kEgIIAQ==","kubernetes":{"api_version":"v1","kind":"Pod"}}]}}`, KindTxn, "txn: if value(/a) = 19 bytes"},
	{`txn { compare { target: CREATE key: "/a" create_revision: 0 } failure {} }`, "", KindTxn, "txn: if create(/a) = 0 else nothing"},
	{`txn {}`, "", KindTxn, "txn:"},
	{`compaction { revision: 100 }`, "", KindCompaction, "compact 100"},
	{`compaction { revision: 100 physical: true }`, "", KindCompaction, "compact 100 physical"},
	{`lease_grant { ID: 7 TTL: 60 }`, "", KindLeaseGrant, "lease grant 7 ttl 60"},
	{`lease_revoke { ID: 1921807856570214803 }`, "", KindLeaseRevoke, "lease revoke 1aaba210396c2993"},
	{`lease_checkpoint { checkpoints { ID: 7 remaining_TTL: 30 } checkpoints { ID: 16 remaining_TTL: 5 } }`, "", KindLeaseCheckpoint, "lease checkpoint 7 remaining 30, 10 remaining 5"},
	{`alarm { action: ACTIVATE memberID: 10145991495858526891 alarm: NOSPACE }`, "", KindAlarm, "alarm activate NOSPACE member 8ccdcd827cc81aab"},
	{`alarm { action: DEACTIVATE alarm: CORRUPT }`, "", KindAlarm, "alarm deactivate CORRUPT"},
	{`auth_enable {}`, "", KindAuth, "auth enable"},
	{`auth_disable {}`, "", KindAuth, "auth disable"},
	{`auth_status {}`, "", KindAuth, "auth status"},
	{`authenticate { name: "root" password: "hush" simple_token: "hush" }`, `{"authenticate":{"name":"root","password":"[redacted]","simple_token":"[redacted]"}}`, KindAuth, "authenticate root"},
	{`auth_user_add { name: "alice" password: "hush" options { no_password: true } hashedPassword: "hush" }`,
		`{"auth_user_add":{"name":"alice","password":"[redacted]","options":{"no_password":true},"hashedPassword":"[redacted]"}}`, KindAuth, "user add alice"},
	{`auth_user_delete { name: "alice" }`, "", KindAuth, "user delete alice"},
	{`auth_user_get { name: "alice" }`, "", KindAuth, "user get alice"},
	{`auth_user_change_password { name: "alice" password: "hush" hashedPassword: "hush" }`,
		`{"auth_user_change_password":{"name":"alice","password":"[redacted]","hashedPassword":"[redacted]"}}`, KindAuth, "user passwd alice"},
	{`auth_user_grant_role { user: "alice" role: "r" }`, "", KindAuth, "user grant-role alice r"},
	{`auth_user_revoke_role { name: "alice" role: "r" }`, "", KindAuth, "user revoke-role alice r"},
	{`auth_user_list {} auth_role_list {}`, "", KindAuth, "user list; role list"},
	{`auth_role_add { name: "r" }`, "", KindAuth, "role add r"},
	{`auth_role_delete { role: "r" }`, "", KindAuth, "role delete r"},
	{`auth_role_get { role: "r" }`, "", KindAuth, "role get r"},
	{`auth_role_grant_permission { name: "r" perm { permType: READWRITE key: "/a" range_end: "/b" } }`, "", KindAuth, "role grant-permission r READWRITE /a../b"},
	{`auth_role_revoke_permission { role: "r" key: "/a" }`, "", KindAuth, "role revoke-permission r /a"},
	{`cluster_version_set { ver: "3.7.0" }`, "", KindClusterVersion, "cluster version 3.7.0"},
	{`cluster_member_attr_set { member_ID: 255 member_attributes { name: "n1" client_urls: ["http://a:1", "http://b:1"] } }`, "", KindMemberAttr, "member attributes ff n1 http://a:1 http://b:1"},
	{`downgrade_info_set { enabled: true ver: "3.6.0" }`, "", KindDowngrade, "downgrade enable 3.6.0"},
	{`downgrade_info_set {}`, "", KindDowngrade, "downgrade cancel"},
	{`downgrade_version_test { ver: "3.6.0" }`, "", KindDowngrade, "downgrade test 3.6.0"},
	{`ID: 5 header { ID: 6 auth_revision: 7 }`, "", KindRequest, "9 bytes that summarize to nothing; the JSON has them all"},
}

// TestOfEtcd: the decoder of a log is that of its system.
func TestOfEtcd(t *testing.T) {
	log := memlog.Sample("w")
	log.Meta().System = &walcore.System{Name: walcore.Etcd}
	if d, ok := Of(log, Options{ShowSecrets: true}).(*Etcd); !ok || !d.opts.ShowSecrets {
		t.Error("an etcd log has another decoder")
	}
}

// TestEtcdRequests: each is shown with all its fields, and summarized.
func TestEtcdRequests(t *testing.T) {
	md := load(t, "etcd.proto", "walfs.etcd.InternalRaftRequest")
	d := NewEtcd(Options{})
	for _, tt := range etcdRequests {
		e := Entry{Term: 2, Index: 42, Data: encode(t, md, tt.text)}
		got := etcdJSON(t, d, e)["request"]
		var want map[string]any
		if tt.want != "" {
			want = parse(t, []byte(tt.want))
		} else {
			want, _ = reference(t, md, e.Data)
			textOfBytes(t, want)
		}
		if !reflect.DeepEqual(got, any(want)) {
			t.Errorf("%s:\ngot  %v\nwant %v", tt.text, got, want)
		}
		var s Summary
		if err := d.Summarize(&s, e); err != nil || s.Kind != tt.kind || string(s.Line) != tt.line {
			t.Errorf("%s: summary %s %q (%v), want %s %q", tt.text, s.Kind, s.Line, err, tt.kind, tt.line)
		}
	}
}

// TestEtcdIsNotARequest: what another program wrote is shown as it is, and what a member of
// 3.5 wrote to the old store is shown.
func TestEtcdIsNotARequest(t *testing.T) {
	v2 := load(t, "etcd.proto", "walfs.etcd.RequestV2")
	for _, tt := range []struct {
		data             string
		want, kind, line string
	}{
		{"", `"size":0}`, KindEmpty, "no data"},
		{"plain", `"text":"plain"}`, KindText, `"plain"`},
		// It parses as a range to delete, with an unknown field.
		{"*\"z and then 32 characters of a text", `"text":"*\"z and then 32 characters of a text"}`, KindText, `"*\"z and then 32 characters of a text"`},
		{"\x90\x4e\x01", `"base64":"kE4B"}`, KindBinary, "904e01"}, // field 1250
		{string(encode(t, v2, `ID: 9 Method: "PUT" Path: "/0/members/ff/attributes" Val: "{\"name\":\"n1\"}"`)),
			`"request_v2":{"ID":"9","Method":"PUT","Path":"/0/members/ff/attributes","Val":"{\"name\":\"n1\"}"}}`, KindRequest, "v2 PUT /0/members/ff/attributes"},
		// It has each field that the old store always writes: some parse as another request's.
		{"\x08\x09\x12\x04SYNC\x1a\x00\x22\x00\x28\x00\x32\x00\x38\x00\x48\x00\x50\x00\x58\x00\x60\x00\x68\x00\x70\x00\x78\x05\x80\x01\x00",
			`"request_v2":{"ID":"9","Method":"SYNC","Time":"5"}}`, KindRequest, "v2 SYNC"},
	} {
		e := Entry{Data: []byte(tt.data)}
		d := NewEtcd(Options{})
		if got, _ := d.AppendCompact(nil, e); !strings.HasSuffix(string(got), tt.want) {
			t.Errorf("%q: %s, want …%s", tt.data, got, tt.want)
		}
		var s Summary
		if _ = d.Summarize(&s, e); s.Kind != tt.kind || string(s.Line) != tt.line {
			t.Errorf("%q: summary %s %q, want %s %q", tt.data, s.Kind, s.Line, tt.kind, tt.line)
		}
	}
}

// TestEtcdConfChanges: of both versions, with the member that is added, or without.
func TestEtcdConfChanges(t *testing.T) {
	long := `{"id":255,"peerURLs":["http://a"],"name":"` + strings.Repeat("x", 65536) + `"}`
	const n1 = `{"id":255,"peerURLs":["http://a:2380","http://b:2380"],"name":"n1","new":{"x":[]}}`
	for _, tt := range []struct {
		typ              uint32
		text             string // of a ConfChange or a ConfChangeV2
		context          string
		want, line, node string
	}{
		{1, `node_id: 255`, n1, `"conf_change":{"node_id":"255"},"member":{"id":255,"peerURLs":["http://a:2380","http://b:2380"],"name":"n1","new":{"x":[]}}}`,
			"member add ff n1 http://a:2380 http://b:2380", "255 {n1 http://a:2380,http://b:2380}"},
		{1, `type: ConfChangeAddLearnerNode node_id: 255`, `{"id":255,"peerURLs":["http://a"],"isLearner":true}`, `"member":{"id":255,"peerURLs":["http://a"],"isLearner":true}}`,
			"member add-learner ff http://a", "255 { http://a}"},
		{1, `node_id: 255`, `{ "id" : 255, "isPromote" : true }`, `"member":{"id":255,"isPromote":true}}`, "member promote ff", ""},
		{1, `type: ConfChangeRemoveNode node_id: 255`, "", `"conf_change":{"type":"ConfChangeRemoveNode","node_id":"255"}}`, "member remove ff", ""},
		{1, `type: ConfChangeUpdateNode node_id: 255`, `{"id":255,"peerURLs":["http://c"]}`, `"member":{"id":255,"peerURLs":["http://c"]}}`, "member update ff http://c", "255 { http://c}"},
		{1, `node_id: 255`, `{"id":"255"}`, `"conf_change":{"node_id":"255","context":"eyJpZCI6IjI1NSJ9"}}`, "member add ff", ""},
		{1, `node_id: 255`, "{\"id\":255,\"name\":\"\x7f\u0085\"}", `"member":{"id":255,"name":"\u007f\u0085"}}`, `member add ff "\x7f\u0085"`, ""},
		{1, `node_id: 255`, "{\"id\":255,\"name\":\"\xff\"}", `"context":"eyJpZCI6MjU1LCJuYW1lIjoi/yJ9"}}`, "member add ff", ""},
		{1, `node_id: 255`, long, base64.StdEncoding.EncodeToString([]byte(long)) + `"}}`, "member add ff", ""},
		{2, `changes { node_id: 254 } changes { type: ConfChangeAddLearnerNode node_id: 255 } transition: ConfChangeTransitionJointImplicit`, n1,
			`"name":"n1","new":{"x":[]}}}`, "member add fe, member add-learner ff, joint n1 http://a:2380 http://b:2380", "255 {n1 http://a:2380,http://b:2380}"},
		{2, ``, "", `"conf_change_v2":{}}`, "leave joint configuration", ""},
	} {
		var m proto.Message = &raftpb.ConfChange{}
		field := protowire.Number(4)
		if tt.typ == 2 {
			m, field = &raftpb.ConfChangeV2{}, 3
		}
		testfixture.Must(t, prototext.Unmarshal([]byte(tt.text), m))
		data, err := proto.Marshal(m)
		testfixture.Must(t, err)
		if tt.context != "" {
			data = protowire.AppendString(protowire.AppendTag(data, field, protowire.BytesType), tt.context)
		}
		e := Entry{Type: tt.typ, Data: data}
		d := NewEtcd(Options{})
		etcdJSON(t, d, e)
		if got, _ := d.AppendCompact(nil, e); !strings.HasSuffix(string(got), tt.want) {
			t.Errorf("%s: %.300s, want …%.300s", tt.text, got, tt.want)
		}
		var s Summary
		if _ = d.Summarize(&s, e); s.Kind != KindConfChange || string(s.Line) != tt.line {
			t.Errorf("%s: summary %q, want %q", tt.text, s.Line, tt.line)
		}
		node := ""
		if id, n, ok := NodeOf(walcore.Etcd, e); ok {
			node = fmt.Sprint(id, " ", n)
		}
		if node != tt.node {
			t.Errorf("%s: node %q, want %q", tt.text, node, tt.node)
		}
	}
}

// TestEtcdFacts: kinds, the members that an entry is about, and the keys that it names.
func TestEtcdFacts(t *testing.T) {
	var f Facts
	d := NewEtcd(Options{})
	for _, tt := range []struct {
		text          string
		kinds         []string
		keys, inRange string // of a to f
		members       []uint64
	}{
		{`put { key: "a" }`, []string{KindPut}, "a", "", nil},
		{`delete_range { key: "b" range_end: "d" }`, []string{KindDeleteRange}, "b", "bc", nil},
		{`delete_range { key: "e" range_end: "\x00" }`, []string{KindDeleteRange}, "e", "ef", nil},
		{`txn { compare { key: "a" } success { request_put { key: "b" } } failure { request_txn { success { request_delete_range { key: "c" } } failure { request_range { key: "d" range_end: "f" } } } } }`,
			[]string{KindTxn, KindPut, KindDeleteRange, KindRange}, "abcd", "de", nil},
		{`alarm { memberID: 7 }`, []string{KindAlarm}, "", "", []uint64{7}},
		{`alarm {}`, []string{KindAlarm}, "", "", nil},
		{`cluster_member_attr_set { member_ID: 9 }`, []string{KindMemberAttr}, "", "", []uint64{9}},
		{`auth_role_revoke_permission { key: "a" range_end: "f" }`, []string{KindAuth}, "", "", nil},
	} {
		d.Facts(&f, Entry{Data: etcd(t, tt.text)})
		var kinds []string
		for _, kind := range Kinds() {
			if f.Is(kind) {
				kinds = append(kinds, kind)
			}
		}
		slices.Sort(kinds)
		if want := slices.Sorted(slices.Values(tt.kinds)); f.Kind != tt.kinds[0] || !slices.Equal(kinds, want) {
			t.Errorf("%s: %s of %v, want %v", tt.text, f.Kind, kinds, tt.kinds)
		}
		if !slices.Equal(f.Members, tt.members) {
			t.Errorf("%s: members %v, want %v", tt.text, f.Members, tt.members)
		}
		keys, inRange := "", ""
		for key := range f.StoredKeys() {
			keys += string(key)
		}
		for _, key := range "abcdef" {
			if f.InRange([]byte(string(key))) {
				inRange += string(key)
			}
		}
		if keys != tt.keys || inRange != tt.inRange {
			t.Errorf("%s: keys %q, in ranges %q, want %q, %q", tt.text, keys, inRange, tt.keys, tt.inRange)
		}
	}
	// What one entry says is not left for the next one.
	d.Facts(&f, Entry{})
	if f.InRange([]byte("e")) || slices.Collect(f.StoredKeys()) != nil {
		t.Error("an empty entry has keys")
	}
}
