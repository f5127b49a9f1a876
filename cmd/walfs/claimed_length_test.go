package main

import (
	"bytes"
	"encoding/base64"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/walfs/walfs/fsview"
	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/dgraph"
	"github.com/walfs/walfs/walcore/diff"
	"github.com/walfs/walfs/walcore/payload"
)

// claims are lengths that the last payload of fixture alpha claims: nothing but the
// file's end tells that they are wrong.
var claims = fixture.Size([]int64{payload.MaxData + 1}, []int64{payload.MaxData + 1, 200 << 20})

// claiming gives a log whose last entry claims so many bytes.
func claiming(t *testing.T, size int64) (dir string, log walcore.Log) {
	t.Helper()
	dir = fixture.Dir(t, "alpha")
	fixture.Edit(t, filepath.Join(dir, "00001.wal")).SetLength(974, uint32(size))
	r, err := dgraph.OpenReader(dir, dgraph.ReaderOptions{})
	fixture.Must(t, err)
	t.Cleanup(func() { r.Close() })
	return dir, r
}

// dumpInto dumps the last two entries of a log.
func dumpInto(t *testing.T, log walcore.Log, o dumpOptions, out io.Writer) {
	t.Helper()
	o.filter = filterOf(t, "--from 974")
	d := newDumper(&o, log, payload.NewDgraph(payload.Alpha, payload.Options{}), out)
	fixture.Must(t, d.run(t.Context()))
}

// TestClaimedLengthAllocates: what shows a log takes no memory for what a length
// claims. The bound leaves room for windows, tables and texts.
func TestClaimedLengthAllocates(t *testing.T) {
	fixture.NotForRace(t)
	const bound = 24 << 20
	readAll := func(log walcore.Log, name string) {
		tree := fsview.New(log, payload.NewDgraph(payload.Alpha, payload.Options{}))
		list, err := fs.ReadDir(tree, name)
		fixture.Must(t, err)
		if len(list) != 975 {
			t.Errorf("%d names in %s", len(list), name)
		}
		f, err := tree.Open(name + "/" + list[974].Name())
		fixture.Must(t, err)
		_, err = io.Copy(io.Discard, f)
		fixture.Must(t, err)
		fixture.Must(t, f.Close())
	}
	for _, use := range []struct {
		name string
		do   func(log walcore.Log, dir string)
	}{
		{"dump as a table", func(log walcore.Log, _ string) { dumpInto(t, log, dumpOptions{format: "table"}, io.Discard) }},
		{"dump as JSON", func(log walcore.Log, _ string) { dumpInto(t, log, dumpOptions{format: "json"}, io.Discard) }},
		{"dump as JSON, decoded", func(log walcore.Log, _ string) {
			dumpInto(t, log, dumpOptions{format: "json", decoded: true}, io.Discard)
		}},
		{"dump raw", func(log walcore.Log, _ string) { dumpInto(t, log, dumpOptions{format: "raw"}, io.Discard) }},
		{"entries/", func(log walcore.Log, _ string) { readAll(log, "entries") }},
		{"decoded/", func(log walcore.Log, _ string) { readAll(log, "decoded") }},
		{"diff", func(log walcore.Log, dir string) {
			other, err := dgraph.OpenReader(dir, dgraph.ReaderOptions{})
			fixture.Must(t, err)
			defer other.Close()
			if r, err := diff.Compare(t.Context(), []walcore.Log{log, other}, nil); err != nil || !r.Alike() || r.Unreadable > 0 {
				t.Errorf("diff: %+v", r)
			}
		}},
	} {
		for _, size := range claims {
			dir, log := claiming(t, size)
			if n := fixture.Allocated(func() { use.do(log, dir) }); n > bound {
				t.Errorf("%s, %d bytes claimed: %d bytes allocated, want at most %d", use.name, size, n, bound)
			}
		}
	}
}

// TestTooLargeToDecode: the bytes of such an entry are all there, in dump and in
// entries/, and what stands for their meaning says where.
func TestTooLargeToDecode(t *testing.T) {
	fixture.OneSize(t)
	fixture.NotForRace(t)
	const size = payload.MaxData + 1
	_, log := claiming(t, size)
	e, err := log.Entry(975)
	fixture.Must(t, err)
	want := make([]byte, size)
	_, err = e.ReadAt(want, 0)
	fixture.Must(t, err)

	var out strings.Builder
	dumpInto(t, log, dumpOptions{format: "json", decoded: true}, &out)
	_, line, _ := strings.Cut(out.String(), "\n")
	head, rest, _ := strings.Cut(line, `,"data":"`)
	data, decoded, _ := strings.Cut(rest, `"`)
	if got, err := base64.StdEncoding.DecodeString(data); err != nil || !bytes.Equal(got, want) {
		t.Errorf("the line has %d bytes: %v", len(got), err)
	}
	if got := head + decoded; got != `{"index":975,"term":2,"type":"EntryNormal","size":67108865,"file":"00001.wal","slot":974,"offset":1229125`+
		`,"decoded":{"term":2,"index":975,"type":"EntryNormal","size":67108865,"not_decoded":"more than 64 MiB: walfs cat DIR entries/975 gives the bytes"}}`+"\n" {
		t.Errorf("the line is, without its data, %s", got)
	}
	for _, d := range []payload.Decoder{payload.NewDgraph(payload.Alpha, payload.Options{}), payload.NewProgram("exit 1")} {
		var s payload.Summary
		fixture.Must(t, d.Summarize(&s, payload.EntryOf(&e, nil)))
		text, err := d.AppendCompact(nil, payload.EntryOf(&e, nil))
		if s.Kind != payload.KindTooLarge || err != nil || !strings.Contains(string(text), "not_decoded") {
			t.Errorf("%s: %s, %v", s.Kind, text, err)
		}
	}
}
