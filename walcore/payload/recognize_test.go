package payload

import (
	"testing"

	testfixture "github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"go.etcd.io/raft/v3/raftpb"
)

// TestRecognizer: it takes nearly all that a node has written, by its type, and what it
// takes can begin as it does.
func TestRecognizer(t *testing.T) {
	for name, app := range map[string]App{"alpha": Alpha, "zero": Zero} {
		path, _ := fixture(name + ".tar.gz")
		r := NewRecognizer(app)
		missed := 0
		for _, e := range readLog(t, path).entries {
			if len(e.Data) == 0 {
				continue
			}
			typ, ok := r.TypeOf(e.Data)
			if !ok {
				missed++
				continue
			}
			if typ != walcore.EntryType(e.Type) {
				t.Errorf("%s: entry %d has type %d, not %d", name, e.Index, e.Type, typ)
			}
			if !r.CanBegin(e.Data[:min(len(e.Data), walcore.RecognizedHead)], int64(len(e.Data))) {
				t.Fatalf("%s: entry %d cannot begin as it does", name, e.Index)
			}
		}
		if missed > 2 {
			t.Errorf("%s: %d are not recognized", name, missed)
		}
	}
}

func TestRecognizerRefuses(t *testing.T) {
	r := NewRecognizer(Alpha)
	key := "\x00\x01abcdef"
	for name, data := range map[string]string{
		"nothing":               "",
		"a key":                 key,
		"text":                  "12345678\x22\x01a"[:8] + "2\x20" + "                                ",
		"a field of no schema":  key + "\x9a\x06\x01f",
		"a field that is cut":   key + "\x12\x05\x08\x01",
		"a wrong wire type":     key + "\x10\x01",
		"a string that is none": key + "\x32\x02\x00\x01",
		"a change without node": "\x08\x01\x10\x00\x18\x02",
	} {
		if typ, ok := r.TypeOf([]byte(data)); ok {
			t.Errorf("%s has type %d", name, typ)
		}
	}
	for name, head := range map[string]string{
		"a field of no schema": key + "\x9a\x06",
		"a field too long":     key + "\x12\xff\x7f",
		"a varint too long":    key + "\x50\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
		"one inside":           key + "\x12\x10\x1a\x7f",
	} {
		if r.CanBegin([]byte(head), 40) {
			t.Errorf("a payload of 40 bytes can begin with %s", name)
		}
	}
}

// FuzzRecognizer: what is recognized can begin as it does.
func FuzzRecognizer(f *testing.F) {
	for _, name := range []string{"alpha", "zero"} {
		h := testfixture.ReadHead(f, name, 20)
		f.Add(h.Payloads[4:])
		for _, e := range readLog(f, testfixture.Path(name+".tar.gz")).entries[:20] {
			f.Add(e.Data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, app := range []App{Alpha, Zero} {
			r := NewRecognizer(app)
			typ, ok := r.TypeOf(data)
			if head := data[:min(len(data), walcore.RecognizedHead)]; ok && !r.CanBegin(head, int64(len(data))) {
				t.Errorf("%v: %x is recognized, and cannot begin with its first bytes", app, data)
			}
			if ok && typ == walcore.EntryNormal && NewDgraph(app, Options{}).Fit(Entry{Type: uint32(raftpb.EntryNormal), Data: data}) != Fits {
				t.Errorf("%v: %x is recognized, and does not fit", app, data)
			}
		}
	})
}
