package tally

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/memlog"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/detect"
	"github.com/walfs/walfs/walcore/payload"
	"github.com/walfs/walfs/walcore/pending"
	"github.com/walfs/walfs/walcore/stats"
	"pgregory.net/rapid"
)

// TestModel: after any appends, rewrites and compactions, and reading that ends in between, the
// sums are those that one gets at once.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		decoder, at := newDecoder(), limits{int64(rapid.IntRange(1, 9).Draw(t, "part")), rapid.SampledFrom([]int{5 << 10, 64 << 20}).Draw(t, "cost"), MaxTxns, 3, 1 << 20}
		c := New()
		c.limits = at
		var entries []memlog.Entry
		next, term, commit, snapshot := uint64(1), uint64(1), uint64(0), uint64(0)
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			switch rapid.IntRange(0, 4).Draw(t, "step") {
			default:
				for range rapid.IntRange(1, 12).Draw(t, "appended") {
					e := memlog.Entry{Term: term, Index: next, File: fmt.Sprint("f", next/7)}
					ts := func() uint64 { return uint64(rapid.IntRange(0, 9).Draw(t, "ts")) }
					switch rapid.IntRange(0, 3).Draw(t, "entry") {
					case 0:
						e.Data = delta(ts(), ts(), ts(), 0)
					case 1:
						e.Data = fmt.Sprint("text", term)
					default:
						e.Data = mutation(ts(), rapid.SampledFrom([]string{"0-a", "0-b", "3-c"}).Draw(t, "predicate"), "0-d")
					}
					entries = append(entries, e)
					next++
				}
			case 3:
				if n := len(entries); n > 0 {
					entries = entries[:rapid.IntRange(0, n-1).Draw(t, "rewound to")]
					term++
					next = snapshot + 1
					if n := len(entries); n > 0 {
						next = entries[n-1].Index + 1
					}
				}
			case 4:
				if n := len(entries); n > 1 {
					entries = entries[rapid.IntRange(1, n-1).Draw(t, "compacted"):]
					snapshot = entries[0].Index + 1
				}
			}
			if len(entries) == 0 {
				continue
			}
			commit = max(commit, snapshot, next-uint64(rapid.IntRange(1, 4).Draw(t, "uncommitted")))
			log := newLog(entries)
			log.Meta().Snapshot = &walcore.Snapshot{Index: snapshot}
			log.Meta().HardState = &walcore.HardState{Commit: commit}
			if rapid.IntRange(0, 3).Draw(t, "changes") == 0 {
				i := entries[rapid.IntRange(0, len(entries)-1).Draw(t, "which")].Index
				log.failing = map[uint64]error{i: walcore.ErrChanged}
				got, err := c.Update(context.Background(), log, decoder, nil)
				if err != nil && (!errors.Is(err, walcore.ErrChanged) || got.Done || got.Through >= i) {
					t.Fatalf("%v, %+v", err, got)
				}
				continue
			}
			reports := 0
			got, err := c.Update(context.Background(), log, decoder, func(r *Tally) { reports++; seen(r) })
			if err != nil {
				t.Fatalf("%v", err)
			}
			checkAnew(t, got, log, decoder, limits{1 << 20, 64 << 20, MaxTxns, 1 << 20, 1 << 20})
			checkPending(t, got, log, decoder)
		}
	})
}

// checkPending fails unless as many transactions are pending as package pending says, which
// goes through the entries from the snapshot to the commit index.
func checkPending(t *rapid.T, got *Tally, log *growing, decoder payload.Decoder) {
	var txns pending.Txns
	var facts payload.Facts
	snapshot, commit := log.Meta().Snapshot.Index, log.Meta().HardState.Commit
	for e := range log.Entries(snapshot + 1) {
		if e.Index <= commit {
			data, _ := e.Data()
			decoder.Facts(&facts, payload.EntryOf(&e, data))
			txns.Add(&facts, e.Index)
		}
	}
	n := 0
	for _, txn := range got.Txns.From(0) {
		if txn.First <= snapshot && txn.Last > commit && !txn.decidedBy(commit) {
			return // edges on both sides, which no Alpha has: the list may not tell whether any are between
		}
		n++
	}
	if got.Pending.Count != txns.Len() {
		t.Fatalf("%d pending, want %+v", got.Pending.Count, txns.List())
	}
}

// entriesOf are entries of which each begins a transaction, and each tenth decides one.
func entriesOf(n, perFile int) (entries []memlog.Entry) {
	for i := range n {
		index := uint64(i + 1)
		e := memlog.Entry{Term: 1, Index: index, File: fmt.Sprint("f", i/perFile), Data: mutation(100+index, "0-name")}
		if i%10 == 9 {
			e.Data = delta(100+index-1, 500+index, 100+index-14, 501+index)
		}
		entries = append(entries, e)
	}
	return entries
}

// TestDecodes: only entries that are new, and those of a log file in which one was rewritten, are
// decoded.
func TestDecodes(t *testing.T) {
	decoder, c := newDecoder(), New()
	entries := entriesOf(100, 30)
	step := func(what string, log walcore.Log, want int) *Tally {
		t.Helper()
		decoder.decoded = 0
		got, err := c.Update(t.Context(), log, decoder, nil)
		if err != nil || decoder.decoded != want {
			t.Fatalf("%s: %d entries are decoded, want %d; %v", what, decoder.decoded, want, err)
		}
		checkAnew(t, got, log, decoder, New().limits)
		return got
	}
	log := newLog(entries[:80])
	first := step("all", log, 80)
	if again := step("nothing new", log, 0); again != first {
		t.Error("it is another Tally")
	}
	was := seen(first)
	step("appended", newLog(entries), 20)
	step("compacted", newLog(entries[30:]), 0)
	rewritten := slices.Clone(entries[30:])
	for i := 40; i < len(rewritten); i++ { // from index 71 on
		rewritten[i].Term = 2
	}
	step("rewritten", newLog(rewritten), 40) // those of the files with 61 to 90 and from 91 on
	step("compacted within a file", newLog(rewritten[10:]), 20)
	decoder = newDecoder()
	step("another decoder", newLog(rewritten[10:]), 60)
	if !reflect.DeepEqual(was, seen(first)) {
		t.Error("a Tally that was given before has changed")
	}
}

// TestPartsOfAFile: of a log that is one file, as raft.db is, a compaction has no more read again
// than a part.
func TestPartsOfAFile(t *testing.T) {
	decoder, c := newDecoder(), New()
	c.limits.partEntries = 10
	entries := entriesOf(100, 1000)
	for _, log := range []*growing{newLog(entries), newLog(entries[13:])} {
		decoder.decoded = 0
		got, err := c.Update(t.Context(), log, decoder, nil)
		fixture.Must(t, err)
		checkAnew(t, got, log, newDecoder(), New().limits)
	}
	if decoder.decoded != 7 {
		t.Errorf("%d entries are decoded", decoder.decoded)
	}
}

// TestChanged: an entry that has changed ends it; what was counted stays. If the log is the newest
// all the same, the entry counts as one that cannot be read.
func TestChanged(t *testing.T) {
	decoder, c := newDecoder(), New()
	log := newLog(entriesOf(20, 7))
	log.failing = map[uint64]error{12: walcore.ErrChanged, 15: walcore.ErrNoKey}
	got, err := c.Update(t.Context(), log, decoder, nil)
	if !errors.Is(err, walcore.ErrChanged) || got.Done || got.Through != 11 || got.Counted.Entries != 11 || got.Entries != 20 {
		t.Fatalf("%v, %+v", err, got)
	}
	if got, err = c.Update(t.Context(), log, decoder, nil); err != nil || !got.Done || got.Unreadable != 2 || decoder.decoded != 18 || got.Pending != nil {
		t.Errorf("%v, %d decoded, %+v", err, decoder.decoded, got)
	}
	for _, kind := range got.Files[1].Kinds {
		if kind.Name == stats.UnreadableName && kind.Entries == 1 {
			return
		}
	}
	t.Errorf("%+v", got.Files[1])
}

// TestInterrupted: it ends with its context, and goes on where it was.
func TestInterrupted(t *testing.T) {
	decoder, c := newDecoder(), New()
	c.limits.reportEntries = 5
	log := newLog(entriesOf(20, 7))
	ctx, cancel := context.WithCancel(t.Context())
	got, err := c.Update(ctx, log, decoder, func(r *Tally) {
		if r.Done || r.Through != 5 || r.Pending != nil {
			t.Errorf("%+v", r)
		}
		cancel()
	})
	if !errors.Is(err, context.Canceled) || got.Through != 5 {
		t.Errorf("%v, %+v", err, got)
	}
	got, err = c.Update(t.Context(), log, decoder, nil)
	fixture.Must(t, err)
	if decoder.decoded != 20 {
		t.Errorf("%d entries are decoded", decoder.decoded)
	}
	checkAnew(t, got, log, decoder, New().limits)
}

// TestTxns: what the log shows of its transactions, and how they are found.
func TestTxns(t *testing.T) {
	log := newLog([]memlog.Entry{
		{Term: 1, Index: 3, File: "f1", Data: mutation(7, "0-x", "0-y")}, {Term: 1, Index: 4, File: "f1", Data: mutation(9, "0-x")},
		{Term: 1, Index: 5, File: "f2", Data: mutation(7, "0-x")}, {Term: 1, Index: 6, File: "f2", Data: delta(7, 11, 400, 401)},
		{Term: 1, Index: 7, File: "f2", Data: mutation(8, "0-x")}, {Term: 1, Index: 8, File: "f2", Data: delta(8, 0)}})
	got, err := New().Update(t.Context(), log, newDecoder(), nil)
	fixture.Must(t, err)
	want := []Txn{{7, 3, 5, 6, 11, 3, 2}, {9, 4, 4, 0, 0, 1, 1}, {8, 7, 7, 8, 0, 1, 1}}
	if txns := seen(got)["txns"]; !reflect.DeepEqual(txns, want) || !want[0].Committed() || !want[2].Aborted() || want[1].Aborted() {
		t.Errorf("%+v", txns)
	}
	if got.Pending.Count != 1 || got.Pending.Commit != 8 {
		t.Errorf("%+v", got.Pending)
	}
	for index, want := range map[uint64]int{0: 0, 3: 0, 4: 1, 5: 2, 7: 2, 8: 3} {
		if got := got.Txns.ByIndex(index); got != want {
			t.Errorf("index %d: position %d, want %d", index, got, want)
		}
	}
	for ts, want := range map[uint64]int{7: 0, 8: 2, 9: 1} {
		if got, ok := got.Txns.ByStart(ts); got != want || !ok {
			t.Errorf("transaction %d: position %d, %t, want %d", ts, got, ok, want)
		}
	}
	for _, ts := range []uint64{0, 10, 400} {
		if _, ok := got.Txns.ByStart(ts); ok {
			t.Errorf("transaction %d is there", ts)
		}
	}
}

// TestBounds: the oldest transactions are left off, and sums share memory, where there are too
// many.
func TestBounds(t *testing.T) {
	fixture.OneSize(t)
	const n = 5 * blockSize
	var entries []memlog.Entry
	for i := range uint64(n) {
		entries = append(entries, memlog.Entry{Term: 1, Index: i + 1, File: fmt.Sprint("f", i/100), Data: mutation(i+1, fmt.Sprint("0-", i))})
	}
	decoder, c := newDecoder(), New()
	c.limits.txns, c.limits.cost = 2*blockSize, 200<<10
	c.restart(nil)
	update := func(log walcore.Log) *Tally {
		got, err := c.Update(t.Context(), log, decoder, nil)
		fixture.Must(t, err)
		return got
	}
	got := update(newLog(entries))
	if got.Txns.Len() != 2*blockSize || got.Txns.Left != 3*blockSize || got.Txns.At(0).StartTs != 3*blockSize+1 || got.Pending.Unknown != 3*blockSize {
		t.Errorf("%d, %d left off, %+v", got.Txns.Len(), got.Txns.Left, got.Pending)
	}
	if len(c.parts) > 3 || len(got.Files) != (n+99)/100 || len(got.Table(stats.Predicate).Rows()) != n {
		t.Errorf("%d parts, %d files, %d predicates", len(c.parts), len(got.Files), len(got.Table(stats.Predicate).Rows()))
	}
	if kept := c.parts[0].txns; kept != nil && len(kept.blocks) > 2 {
		t.Errorf("the first part has %d blocks of transactions", len(kept.blocks))
	}
	got = update(newLog(entries[:n-1])) // the last one is gone: all is added up again
	if got.Txns.Len()+got.Txns.Left != n-1 || got.Txns.At(got.Txns.Len()-1).StartTs != n-1 {
		t.Errorf("%d, %d left off", got.Txns.Len(), got.Txns.Left)
	}
}

// TestSystems: what other systems' logs, and Dgraph's, add up to is what their entries are, each
// taken alone.
func TestSystems(t *testing.T) {
	for _, name := range slices.Concat([]string{"alpha", "zero", "rewritten"}, fixture.Etcd()[:2], fixture.HashiCorp()[:2]) {
		log, err := detect.Open(fixture.Dir(t, name), detect.Options{})
		fixture.Must(t, err)
		decoder := payload.Of(log, payload.Options{})
		got, err := New().Update(t.Context(), log, decoder, nil)
		fixture.Must(t, err)
		byKind, byFile := stats.NewTable(stats.Kind, 0), stats.NewTable(stats.File, 0)
		var facts payload.Facts
		for e := range log.Entries(1) {
			data, err := e.Data()
			fixture.Must(t, err)
			decoder.Facts(&facts, payload.EntryOf(&e, data))
			byKind.Add(&e, &facts)
			byFile.Add(&e, &facts)
		}
		if got.Counted != byKind.Total || !got.Done || got.Counted.Entries != got.Entries || got.Unreadable > 0 || got.Table(stats.File) != nil {
			t.Errorf("%s: %+v", name, got)
		}
		if !reflect.DeepEqual(got.Table(stats.Kind).Rows(), byKind.Rows()) {
			t.Errorf("%s: by kind %+v, want %+v", name, got.Table(stats.Kind).Rows(), byKind.Rows())
		}
		for i, row := range byFile.Rows() {
			f := got.Files[i]
			var sum stats.Sum
			for _, k := range f.Kinds {
				sum.Entries, sum.Bytes = sum.Entries+k.Entries, sum.Bytes+k.Bytes
			}
			if f.Name != row.Name || f.Sum != row.Sum || sum != f.Sum {
				t.Errorf("%s: %+v, want %+v", name, f, row)
			}
		}
		if (got.Pending != nil) != (name == "alpha" || name == "rewritten") || (got.Txns.Len() > 0) != (name == "alpha") {
			t.Errorf("%s: %+v, %d transactions", name, got.Pending, got.Txns.Len())
		}
		fixture.Must(t, log.Close())
	}
}

// presuming is a log that has not looked at all its files: what it gives at first turns out
// otherwise from entry 10 on, once all were looked at.
type presuming struct {
	*growing
	now *growing
}

func (l *presuming) Checked() bool                              { return l.growing == l.now }
func (l *presuming) CheckNext() bool                            { return false }
func (l *presuming) Found() []walcore.Problem                   { return nil }
func (l *presuming) SameEntries(walcore.Log) bool               { return false }
func (l *presuming) Unchanged(walcore.Log) (first, last uint64) { return 1, 9 }
func (l *presuming) Entries(from uint64) iter.Seq[walcore.Entry] {
	return func(yield func(walcore.Entry) bool) {
		l.growing.Entries(from)(yield)
		l.growing = l.now
	}
}

// TestPresumed: what a log has only presumed is not counted.
func TestPresumed(t *testing.T) {
	entries := entriesOf(20, 7)
	now := newLog(slices.Concat(entries[:9], entries[12:]))
	got, err := New().Update(t.Context(), &presuming{newLog(entries), now}, newDecoder(), nil)
	fixture.Must(t, err)
	checkAnew(t, got, now, newDecoder(), New().limits)
}

// TestSameFacts: a new decoder that is like the one before has nothing counted again.
func TestSameFacts(t *testing.T) {
	opts := payload.Options{}
	list := func() []payload.Decoder {
		return []payload.Decoder{payload.NewDgraph(payload.Alpha, opts), payload.NewDgraph(payload.Zero, opts),
			payload.NewEtcd(opts), payload.NewHashiCorp(opts)}
	}
	for i, a := range list() {
		for k, b := range list() {
			if got := sameFacts(a, b); got != (i == k) {
				t.Errorf("%T and %T: %t", a, b, got)
			}
		}
		if sameFacts(a, nil) || sameFacts(a, newDecoder()) {
			t.Errorf("%T is like none, or another", a)
		}
	}
	c, log := New(), newLog(entriesOf(20, 7))
	for _, app := range []payload.App{payload.Alpha, payload.Alpha} {
		got, err := c.Update(t.Context(), log, payload.NewDgraph(app, opts), nil)
		if err != nil || !got.Done {
			t.Errorf("%v, %+v", err, got)
		}
		log.failing = map[uint64]error{1: walcore.ErrChanged} // it is not read again
	}
}
