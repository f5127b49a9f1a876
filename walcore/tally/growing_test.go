package tally

import (
	"context"
	"fmt"
	"iter"
	"reflect"
	"slices"

	"github.com/walfs/walfs/test/memlog"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/payload"
	"google.golang.org/protobuf/encoding/protowire"
)

// growing is a log in memory whose directory can be read again.
type growing struct {
	*memlog.Log
	entries []memlog.Entry
	failing map[uint64]error // of the entries that cannot be read
}

func newLog(entries []memlog.Entry) *growing {
	l := &growing{Log: memlog.New("w", entries), entries: slices.Clone(entries)}
	for _, f := range l.Files() {
		_, err := fmt.Sscanf(f.Name, "f%d", &f.ID) // not its place in the log, which a compaction changes
		if err != nil {
			panic(err)
		}
		f.Identity = f.ID
	}
	return l
}

func (l *growing) Refresh() (walcore.Follower, error)          { return l, nil }
func (l *growing) Outline(from uint64) iter.Seq[walcore.Entry] { return l.Entries(from) }
func (l *growing) LastIndex() (uint64, bool)                   { return 0, false }
func (l *growing) Entry(uint64) (e walcore.Entry, err error)   { return }
func (l *growing) Unchanged(since walcore.Log) (first, last uint64) {
	before := since.(*growing).entries
	first, last = 1, 0
	for _, e := range l.entries {
		i := slices.IndexFunc(before, func(b memlog.Entry) bool { return b.Index == e.Index })
		if i >= 0 && before[i] == e {
			if last == 0 {
				first = e.Index
			}
			last = e.Index
		} else if last > 0 {
			break
		}
	}
	return first, last
}

func (l *growing) Entries(from uint64) iter.Seq[walcore.Entry] {
	return func(yield func(walcore.Entry) bool) {
		for e := range l.Log.Entries(from) {
			if err := l.failing[e.Index]; err != nil {
				f := *e.File
				f.Source = failingSource{f.Source, err}
				e.File = &f
			}
			if !yield(e) {
				return
			}
		}
	}
}

type failingSource struct {
	walcore.Source
	err error
}

func (s failingSource) ReadPayload(walcore.Entry, []byte, int64) error { return s.err }

// counting counts the entries that it decodes.
type counting struct {
	*payload.Dgraph
	decoded int
}

func (d *counting) Facts(f *payload.Facts, e payload.Entry) {
	d.decoded++
	d.Dgraph.Facts(f, e)
}

func newDecoder() *counting {
	return &counting{Dgraph: payload.NewDgraph(payload.Alpha, payload.Options{})}
}

// mutation is an Alpha's entry with edges of a transaction.
func mutation(ts uint64, predicates ...string) string {
	m := protowire.AppendVarint(protowire.AppendTag(nil, 2, protowire.VarintType), ts)
	for _, name := range predicates {
		edge := protowire.AppendFixed64(protowire.AppendTag(nil, 1, protowire.Fixed64Type), 1)
		edge = protowire.AppendString(protowire.AppendTag(edge, 2, protowire.BytesType), name)
		m = protowire.AppendBytes(protowire.AppendTag(m, 3, protowire.BytesType), edge)
	}
	return string(protowire.AppendBytes(protowire.AppendTag([]byte{0, byte(1 + ts%3), 0, 0, 0, 0, 0, 1}, 2, protowire.BytesType), m))
}

// delta is an Alpha's entry that decides transactions: pairs of start and commit timestamp, the
// second 0 for an abort.
func delta(decisions ...uint64) string {
	var d []byte
	for pair := range slices.Chunk(decisions, 2) {
		txn := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), pair[0])
		txn = protowire.AppendVarint(protowire.AppendTag(txn, 2, protowire.VarintType), pair[1])
		d = protowire.AppendBytes(protowire.AppendTag(d, 1, protowire.BytesType), txn)
	}
	return string(protowire.AppendBytes(protowire.AppendTag([]byte{0, 1, 0, 0, 0, 0, 0, 1}, 8, protowire.BytesType), d))
}

// seen is all that a Tally says, to be compared.
func seen(t *Tally) map[string]any {
	all := map[string]any{"head": []any{t.Through, t.Done, t.Counted, t.Entries, t.Unreadable}, "files": t.Files, "left": t.Txns.Left}
	if t.Pending != nil {
		all["pending"] = *t.Pending
	}
	for _, by := range bys {
		var rows []string
		for _, r := range t.Table(by).Rows() {
			rows = append(rows, fmt.Sprint(r.Name, r.Sum, r.Edges, r.Deletes))
		}
		all[string(by)] = rows
	}
	var txns []Txn
	for i, txn := range t.Txns.From(0) {
		if i != len(txns) || t.Txns.At(i) != txn {
			panic("a position is wrong")
		}
		txns = append(txns, txn)
	}
	all["txns"] = txns
	return all
}

type fataler interface {
	Helper()
	Fatalf(string, ...any)
}

// checkAnew fails unless what was counted bit by bit is what a new Counter counts.
func checkAnew(t fataler, got *Tally, log walcore.Log, decoder payload.Decoder, l limits) {
	t.Helper()
	anew := New()
	anew.limits = l
	anew.restart(nil)
	want, err := anew.Update(context.Background(), log, decoder, nil)
	if err != nil {
		t.Fatalf("%v", err)
	}
	g, w := seen(got), seen(want)
	for name := range w {
		if !reflect.DeepEqual(g[name], w[name]) {
			t.Fatalf("%s: counted bit by bit %+v, at once %+v", name, g[name], w[name])
		}
	}
	if len(g) != len(w) {
		t.Fatalf("counted bit by bit %+v, at once %+v", g, w)
	}
}
