//go:build linux

package serve

import (
	"bytes"
	"encoding/binary"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/nativelog"
	"google.golang.org/protobuf/encoding/protowire"
)

// damagedSlot is the slot of the damaged directory whose payload cannot be read.
const damagedSlot = 20

// directories are of each system, one that is damaged, and one whose key is missing.
func directories(t *testing.T) (dirs []string) {
	t.Helper()
	for _, name := range []string{"alpha", "zero", "etcd-small", "hashicorp-wal-n2", "sealed128"} {
		dirs = append(dirs, fixture.Dir(t, name))
	}
	return append(dirs, damaged(t))
}

// damaged is an alpha's directory with an entry whose length cannot be right.
func damaged(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "damaged")
	fixture.Must(t, os.Rename(fixture.Dir(t, "alpha"), dir))
	fixture.Edit(t, filepath.Join(dir, "00001.wal")).SetLength(damagedSlot, 1<<30)
	return dir
}

// The entries of a large log that are not like the others: of another predicate, and empty.
const (
	million = 1_000_000
	rare1   = 250_000
	rare2   = 777_777
	empty   = 500_000
)

// large is a log of a million mutations.
func large(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "large")
	fixture.Must(t, nativelog.Write(dir, nativelog.Meta{RaftID: 1, GroupID: 1, Checkpoint: million - 100, Term: 3, Vote: 1, Commit: million - 10}, func(yield func(nativelog.Entry) bool) {
		for index := uint64(1); index <= million; index++ {
			e := nativelog.Entry{Term: 2 + index/600_000, Index: index}
			switch index {
			case empty:
			case rare1, rare2:
				e.Data = bytes.Replace(nativelog.Mutation(index, e.Term), []byte("0-name"), []byte("0-rare"), 1)
			default:
				e.Data = nativelog.Mutation(index, e.Term)
			}
			if !yield(e) {
				return
			}
		}
	}))
	return dir
}

// partAt is where the logs of parted part.
const partAt = 51

// parted are the logs of two nodes, of which one was a leader that others did not follow.
func parted(t *testing.T) (dirs []string) {
	t.Helper()
	for i, last := range []uint64{60, 75} {
		dir := filepath.Join(t.TempDir(), []string{"left", "right"}[i])
		entries := func(yield func(nativelog.Entry) bool) {
			for index := uint64(1); index <= last; index++ {
				e := nativelog.Entry{Term: 1, Index: index}
				if index >= partAt {
					e.Term = uint64(2 + i)
				}
				e.Data = nativelog.Mutation(index, e.Term)
				if !yield(e) {
					return
				}
			}
		}
		meta := nativelog.Meta{RaftID: uint64(i + 1), GroupID: 1, Checkpoint: 40, Term: uint64(2 + i), Vote: 1, Commit: partAt - 1}
		fixture.Must(t, nativelog.Write(dir, meta, iter.Seq[nativelog.Entry](entries)))
		dirs = append(dirs, dir)
	}
	return dirs
}

// nasty are texts that a page that is made carelessly takes for something else.
var nasty = []string{
	`<script>window.hacked=1</script>`, `"><img src=x onerror=window.hacked=1>`, `'onmouseover='window.hacked=1`,
	`{{.}}`, `${window.hacked=1}`, `javascript:window.hacked=1`, `</textarea></title></style><svg onload=window.hacked=1>`,
	"\u202egnp.exe\u202c", "a\x00b\x1b[31m\r\n\tc", `<a href="javascript:window.hacked=1">x</a>`, `<!--`, `]]>`, `&lt;b&gt;&amp;`,
}

// hostile is a log with such texts wherever somebody who may write to the database can put one.
func hostile(t *testing.T) string {
	t.Helper()
	var entries []nativelog.Entry
	add := func(typ uint32, data []byte) {
		entries = append(entries, nativelog.Entry{Term: 1, Index: uint64(len(entries) + 1), Type: typ, Data: data})
	}
	field := func(b []byte, n protowire.Number, v []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(b, n, protowire.BytesType), v)
	}
	number := func(b []byte, n protowire.Number, v uint64) []byte {
		return protowire.AppendVarint(protowire.AppendTag(b, n, protowire.VarintType), v)
	}
	for i, text := range nasty {
		// A member that has the text for its address.
		context := protowire.AppendFixed64(protowire.AppendTag(nil, 1, protowire.Fixed64Type), uint64(i+1))
		context = field(number(context, 2, 1), 3, []byte(text))
		add(1, field(number(number(nil, 2, 0), 3, uint64(i+1)), 4, context))

		// An edge of a predicate, with a value, and a schema of another one.
		edge := protowire.AppendFixed64(protowire.AppendTag(nil, 1, protowire.Fixed64Type), 7)
		edge = field(field(edge, 2, []byte("0-"+text)), 3, []byte(text))
		edge = field(edge, 7, []byte(text))
		mutations := field(number(number(nil, 1, 1), 2, uint64(i+5)), 3, edge)
		mutations = field(mutations, 4, field(nil, 1, []byte("0-s"+text)))
		add(0, field(binary.BigEndian.AppendUint64(nil, uint64(i+1)), 2, mutations))

		// A text that is no proposal, and one that is restored from somewhere.
		add(0, []byte(text))
		add(0, field(binary.BigEndian.AppendUint64(nil, uint64(i+100)), 12, field(nil, 3, []byte(text))))
	}
	dir := filepath.Join(t.TempDir(), `<img src=x onerror=window.hacked=1>{{.}}`)
	n := uint64(len(entries))
	fixture.Must(t, nativelog.Write(dir, nativelog.Meta{RaftID: 1, GroupID: 1, Checkpoint: n, Term: 1, Vote: 1, Commit: n}, slices.Values(entries)))
	return dir
}
