//go:build unix

package dgraph

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/raftdir"
	"github.com/walfs/walfs/walcore"
	meaning "github.com/walfs/walfs/walcore/payload"
	"google.golang.org/protobuf/encoding/protowire"
)

// edgeProposal is the payload of an Alpha's mutation that sets one edge.
func edgeProposal(index, term uint64) []byte {
	r := rand.New(rand.NewPCG(index, term))
	var edge []byte
	edge = protowire.AppendTag(edge, 1, protowire.Fixed64Type)
	edge = protowire.AppendFixed64(edge, index)
	edge = protowire.AppendTag(edge, 2, protowire.BytesType)
	edge = protowire.AppendString(edge, "0-name")
	edge = protowire.AppendTag(edge, 3, protowire.BytesType)
	edge = protowire.AppendString(edge, strings.Repeat("v", r.IntN(200)))
	var m []byte
	m = protowire.AppendTag(m, 1, protowire.VarintType)
	m = protowire.AppendVarint(m, 1)
	m = protowire.AppendTag(m, 2, protowire.VarintType)
	m = protowire.AppendVarint(m, 7*index+term)
	m = protowire.AppendTag(m, 3, protowire.BytesType)
	m = protowire.AppendBytes(m, edge)
	p := binary.BigEndian.AppendUint64(nil, r.Uint64())
	p = protowire.AppendTag(p, 2, protowire.BytesType)
	return protowire.AppendBytes(p, m)
}

var recognizer = meaning.NewRecognizer(meaning.Alpha)

// oldPayload is what a replaced entry's payload was and where.
type oldPayload struct {
	at   int64
	data []byte
}

func payloadsFrom(t *testing.T, r *Reader, index uint64) (list []oldPayload) {
	t.Helper()
	for e := range r.Entries(index) {
		data, err := e.Data()
		fixture.Must(t, err)
		list = append(list, oldPayload{int64(e.Offset), data})
	}
	return list
}

// wantRemains compares what is found with what is left of old payloads: those that begin
// behind what was written over them.
func wantRemains(t *testing.T, r *Reader, want []oldPayload) walcore.Remains {
	t.Helper()
	got, err := r.Remains(recognizer)
	fixture.Must(t, err)
	for _, s := range got.Searched {
		t.Logf("%s %d to %d: %s", s.File, s.From, s.To, s.Why)
	}
	if len(got.Found) != len(want) {
		t.Fatalf("%d payloads are found, want %d", len(got.Found), len(want))
	}
	for i, f := range got.Found {
		data, err := f.Data()
		if err != nil || int64(f.Offset) != want[i].at || !bytes.Equal(data, want[i].data) {
			t.Fatalf("found at %d: %x, %v, want at %d: %x", f.Offset, data, err, want[i].at, want[i].data)
		}
	}
	return got
}

func behind(list []oldPayload, end int64) (left []oldPayload) {
	for _, p := range list {
		if p.at > end {
			left = append(left, p)
		}
	}
	return left
}

func endOf(t *testing.T, r *Reader) int64 {
	t.Helper()
	e, _ := r.Last()
	return int64(e.Offset) + 4 + e.Size
}

// openLog opens what a writer has written.
func openLog(t *testing.T, w *raftdir.Writer, key string) *Reader {
	t.Helper()
	r, err := OpenReader(w.Dir(), ReaderOptions{Key: []byte(key)})
	fixture.Must(t, err)
	t.Cleanup(func() { r.Close() })
	return r
}

// TestRemains: what Dgraph leaves of entries that a new leader replaces is found, all but
// what was written over.
func TestRemains(t *testing.T) {
	for _, key := range []string{"", "0123456789abcdef"} {
		for rewritten := range 40 {
			t.Run(fmt.Sprint(key, rewritten), func(t *testing.T) {
				w := raftdir.Create(filepath.Join(t.TempDir(), "w"), raftdir.Options{Key: []byte(key), Data: edgeProposal})
				defer w.Close()
				w.Append(60)
				old := payloadsFrom(t, openLog(t, w, key), 11)
				w.Rewind(10)
				w.Append(1 + rewritten)
				r := openLog(t, w, key)
				wantRemains(t, r, behind(old, endOf(t, r)))
				for range r.Replaced(0) {
					t.Error("a slot is found")
				}
			})
		}
	}
}

// TestRemainsOfSeveralRewrites: each has left something behind what the next has written.
func TestRemainsOfSeveralRewrites(t *testing.T) {
	w := raftdir.Create(filepath.Join(t.TempDir(), "w"), raftdir.Options{Data: edgeProposal})
	defer w.Close()
	w.Append(90)
	var old []oldPayload
	for rewrite := range 3 {
		r := openLog(t, w, "")
		old = append(payloadsFrom(t, r, 11), behind(old, endOf(t, r))...)
		w.Rewind(10)
		w.Append(60 - 20*rewrite)
	}
	r := openLog(t, w, "")
	got, err := r.Remains(recognizer)
	fixture.Must(t, err)
	// The last ones before what another rewrite has left have nothing that bears them out.
	if left := behind(old, endOf(t, r)); len(got.Found) < len(left)-2 || len(got.Found) < 40 {
		t.Errorf("%d are found, of %d", len(got.Found), len(left))
	}
	for _, f := range got.Found {
		data, err := f.Data()
		fixture.Must(t, err)
		found := false
		for _, p := range old {
			found = found || p.at == int64(f.Offset) && bytes.Equal(p.data, data)
		}
		if !found {
			t.Errorf("at %d: %x was never written there", f.Offset, data)
		}
	}
}

// TestRemainsWhileWriting: what a writer is just adding is not found, nor is what was found
// read once it is written over.
func TestRemainsWhileWriting(t *testing.T) {
	w := raftdir.Create(filepath.Join(t.TempDir(), "w"), raftdir.Options{Data: edgeProposal})
	defer w.Close()
	w.Append(50)
	w.Rewind(10)
	r := openLog(t, w, "")
	if got := wantRemains(t, r, nil); got.Searched[0].Why == "" {
		t.Error("nothing says that payloads were left out")
	}
	w.Append(1)
	r = openLog(t, w, "")
	got, err := r.Remains(recognizer)
	fixture.Must(t, err)
	if len(got.Found) < 30 {
		t.Fatalf("%d are found", len(got.Found))
	}
	finish := w.HalfSlot()
	for _, f := range got.Found {
		if _, err := f.Data(); !errors.Is(err, walcore.ErrChanged) {
			t.Fatalf("at %d, while the next entry is written: %v", f.Offset, err)
		}
	}
	if _, err := r.Remains(recognizer); err == nil {
		t.Log("the search did not notice") // it may have begun after that
	}
	finish()
}
