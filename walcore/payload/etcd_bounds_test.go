package payload

import (
	"reflect"
	"strings"
	"testing"

	"github.com/walfs/walfs/walcore"

	testfixture "github.com/walfs/walfs/test/fixture"
)

// TestEtcdLinesAreBounded: whatever is in a request, its line has 400 bytes at most.
func TestEtcdLinesAreBounded(t *testing.T) {
	nested := "txn {}"
	for range 40 {
		nested = "txn { compare { key: \"" + strings.Repeat("k", 300) + "\" } success { request_" + nested + " } failure { request_" + "put { key: \"a\" } } }"
	}
	d := NewEtcd(Options{})
	for text, want := range map[string]string{
		nested: "txn: if ver(" + strings.Repeat("k", 300) + ") = 0 then (txn: if",
		"txn {" + strings.Repeat(`success { request_put { key: "a" } } `, 12) + "}":                                "txn: then put a 0 bytes, put a 0 bytes",
		`put { key: "` + strings.Repeat("k", 1000) + `" }`:                                                         "put kkk",
		`cluster_member_attr_set { member_attributes {` + strings.Repeat(`client_urls: "http://a" `, 1000) + `} }`: "member attributes 0 http://a http://a",
	} {
		var s Summary
		_ = d.Summarize(&s, Entry{Data: etcd(t, text)})
		if len(s.Line) > maxLine || cap(s.Line) > 4*maxLine || !s.Shortened || !strings.HasPrefix(string(s.Line), want) {
			t.Errorf("%.80s: %q, shortened %v", text, s.Line, s.Shortened)
		}
	}
}

// FuzzEtcd: any bytes give valid JSON, a bounded line and facts.
func FuzzEtcd(f *testing.F) {
	shapes := make(map[string]bool)
	log := readEtcd(f, "etcd-small")
	for _, e := range log.entries {
		var s Summary
		_ = NewEtcd(Options{}).Summarize(&s, e)
		if !shapes[s.Kind] {
			shapes[s.Kind] = true
			f.Add(e.Type, e.Data)
		}
	}
	for _, r := range etcdRequests {
		f.Add(uint32(0), etcd(f, r.text))
	}
	f.Add(uint32(0), []byte(`{"Root":{"Children":{"0":{"Children":{"members":{"Children":{"ff":{}}}}}}}}`))
	f.Add(uint32(1), within([]byte(`{"id":1,"peerURLs":["a"]}`), 4))
	bombs(func(b []byte) { f.Add(uint32(0), b) })
	f.Fuzz(func(t *testing.T, typ uint32, data []byte) {
		e := Entry{Term: 1, Index: 1, Type: typ, Data: data}
		d := NewEtcd(Options{ShowSecrets: len(data)%2 == 0})
		var indented, compact, snapshot []byte
		var s Summary
		if n := testfixture.Allocated(func() {
			indented, _ = d.AppendJSON(nil, e)
			compact, _ = d.AppendCompact(nil, e)
			snapshot = d.AppendSnapshot(nil, data)
			_ = d.Summarize(&s, e)
			etcdNodes(make(map[uint64]Node), data)
			_, _, _ = NodeOf(walcore.Etcd, e)
		}); n > 4*maxAllocated(len(data)) {
			t.Fatalf("%d bytes took %d of memory", len(data), n)
		}
		got, same := checkJSON(t, indented, len(data)), checkJSON(t, compact, len(data))
		if len(data) < 10_000 && !reflect.DeepEqual(got, same) {
			t.Fatalf("the forms differ:\n%s\n%s", indented, compact)
		}
		checkJSON(t, snapshot, len(data))
		checkSummary(t, &s)
		for key := range s.StoredKeys() {
			s.InRange(key)
		}
	})
}

func BenchmarkEtcd(b *testing.B) {
	log := readEtcd(b, "etcd-small")
	d := NewEtcd(Options{})
	var buf []byte
	var s Summary
	for name, one := range map[string]func(e Entry){
		"AppendCompact": func(e Entry) { buf, _ = d.AppendCompact(buf[:0], e) },
		"Summarize":     func(e Entry) { _ = d.Summarize(&s, e) },
		"Facts":         func(e Entry) { d.Facts(&s.Facts, e) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				one(log.entries[i%len(log.entries)])
			}
		})
	}
}

// BenchmarkEtcdSchema is what the first use of the decoder costs.
func BenchmarkEtcdSchema(b *testing.B) {
	for b.Loop() {
		loadEtcdSchema()
	}
}
