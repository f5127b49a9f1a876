package payload

import (
	"encoding/base64"
	"reflect"
	"strings"
	"testing"

	testfixture "github.com/walfs/walfs/test/fixture"
)

// TestEtcdSecrets: they are shown only if asked for, and data that do not decode are not
// shown if they may hold one.
func TestEtcdSecrets(t *testing.T) {
	const secret = `k8s\x00\n\x0c\n\x02v1\x12\x06Secret\x12\x06\n\x04hush`
	const put = `put { key: "/registry/secrets/s" value: "` + secret + `" }`
	hiding, showing := NewEtcd(Options{}), NewEtcd(Options{ShowSecrets: true})
	for _, text := range []string{
		`header { ID: 300 } authenticate { name: "root" password: "hush1" simple_token: "hush2" }`,
		`header { ID: 300 } auth_user_add { name: "root" password: "hush1" options { no_password: true } hashedPassword: "hush2" }`,
		`header { ID: 300 } auth_user_change_password { name: "root" password: "hush1" hashedPassword: "hush2" }`,
		put,
		`txn { compare { target: VALUE value: "` + secret + `" } success { request_` + put + ` } }`,
	} {
		whole := etcd(t, text)
		for n := range len(whole) + 1 {
			e := Entry{Data: whole[:n]}
			got, _ := hiding.AppendJSON(nil, e)
			var s Summary
			_ = hiding.Summarize(&s, e)
			for _, shown := range []string{string(got), undecoded(t, got), string(s.Line)} {
				if strings.Contains(shown, "hu") || strings.Contains(shown, base64.StdEncoding.EncodeToString([]byte("k8s"))) {
					t.Fatalf("%s: %d bytes of %d show %.300q", text, n, len(whole), shown)
				}
			}
		}
		e := Entry{Data: whole}
		got, _ := hiding.AppendJSON(nil, e)
		if !strings.Contains(string(got), `"[redacted]"`) || strings.Contains(text, "k8s") && !strings.Contains(string(got), `"Secret"`) {
			t.Errorf("nothing says that something is hidden: %s", got)
		}
		if got, _ := showing.AppendJSON(nil, e); strings.Contains(string(got), "redacted") {
			t.Errorf("asked for, it is hidden: %s", got)
		}
	}
}

// TestEtcdSnapshot: the store is shown as the JSON that it is, and its members are known.
func TestEtcdSnapshot(t *testing.T) {
	const store = `{"Root":{"Children":{"0":{"Children":{"members":{"Path":"/0/members","Children":{` +
		`"ff":{"Children":{"attributes":{"Value":"{\"name\":\"n1\",\"clientURLs\":[\"http://a:2379\"]}"},"raftAttributes":{"Value":"{\"peerURLs\":[\"http://a:2380\",\"http://b:2380\"]}"}}},` +
		`"8ccdcd827cc81aab":{"Children":{"raftAttributes":{"Value":"{\"peerURLs\":[\"http://c:2380\"],\"isLearner\":true}"}}},"no id":{"Children":{}}}},` +
		`"removed_members":{"Children":{"aa":{"Children":null}}},"version":{"Value":"3.7.0","Children":null}}}}},"empty":[[],{}],"n":-1.5e3}`
	d := NewEtcd(Options{})
	got := d.AppendSnapshot(nil, []byte(store))
	checkLayout(t, got)
	if snapshot := parse(t, got)["snapshot"]; !reflect.DeepEqual(snapshot, any(parse(t, []byte(store)))) {
		t.Errorf("got %v", snapshot)
	}
	nodes := make(map[uint64]Node)
	etcdNodes(nodes, []byte(store))
	if want := (map[uint64]Node{255: {"n1", "http://a:2380,http://b:2380"}, 0x8ccdcd827cc81aab: {"", "http://c:2380"}}); !reflect.DeepEqual(nodes, want) {
		t.Errorf("got %v, want %v", nodes, want)
	}
	for blob, want := range map[string]string{
		"":               "{\n  \"size\": 0\n}\n",
		"{} ":            "{\n  \"size\": 3,\n  \"snapshot\": {}\n}\n",
		"{":              "{\n  \"size\": 1,\n  \"text\": \"{\"\n}\n",
		"\"\xff\"":       "{\n  \"size\": 3,\n  \"base64\": \"Iv8i\"\n}\n",
		" \"a\\\"\x7f\"": "{\n  \"size\": 7,\n  \"snapshot\": \"a\\\"\\u007f\"\n}\n",
	} {
		if got := d.AppendSnapshot(nil, []byte(blob)); string(got) != want {
			t.Errorf("%q: %q, want %q", blob, got, want)
		}
	}
	for name, beyond := range map[string]string{
		"200 levels":           strings.Repeat("[", 200) + strings.Repeat("]", 200),
		"lines of 190 spaces":  strings.Repeat("[", 95) + "0" + strings.Repeat(",0", 50_000) + strings.Repeat("]", 95),
		"a name without value": "{\"a\"}",
	} {
		if got := parse(t, d.AppendSnapshot(nil, []byte(beyond))); got["text"] != beyond {
			t.Errorf("%s: %.300v", name, got)
		}
	}
}

// TestEtcdSnapshotsOfFixtures: what they have of members, and all of them is shown.
func TestEtcdSnapshotsOfFixtures(t *testing.T) {
	checked := 0
	for _, name := range etcdFixtures(t) {
		blob := readEtcd(t, name).snapshot
		if blob == nil {
			continue
		}
		checked++
		got := NewEtcd(Options{}).AppendSnapshot(nil, blob)
		checkLayout(t, got)
		if snapshot := parse(t, got)["snapshot"]; !reflect.DeepEqual(snapshot, any(parse(t, blob))) {
			t.Errorf("%s: %s", name, got)
		}
		nodes := make(map[uint64]Node)
		etcdNodes(nodes, blob)
		if n := nodes[0x8ccdcd827cc81aab]; n != (Node{"n1", "http://127.0.0.1:23801"}) {
			t.Errorf("%s: %v", name, nodes)
		}
	}
	if testfixture.Full() && testfixture.Has("etcd-n1") && checked == 0 {
		t.Error("no fixture has a snapshot")
	}
}
