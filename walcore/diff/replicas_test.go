package diff

import (
	"context"
	"github.com/walfs/walfs/walcore"

	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/walfs/walfs/test/nativelog"
	"github.com/walfs/walfs/walcore/dgraph"
)

// replica writes a directory called name and opens it; reports have that name.
func replica(t *testing.T, name string, m nativelog.Meta, entries ...nativelog.Entry) *dgraph.Reader {
	t.Helper()
	t.Chdir(t.TempDir())
	if err := nativelog.Write(name, m, slices.Values(entries)); err != nil {
		t.Fatal(err)
	}
	r, err := dgraph.OpenReader(name, dgraph.ReaderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func compare(t *testing.T, logs []walcore.Log) *Report {
	t.Helper()
	rep, err := Compare(t.Context(), logs, nil)
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

// TestEnded: a comparison that nobody waits for any more ends.
func TestEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	compared := 0
	_, err := Compare(ctx, []walcore.Log{replica(t, "a", nativelog.Meta{}, logOf(t, "1 0 a", "1 0 b", "1 0 c")...)}, func(_, _ int64) {
		compared++
		cancel()
	})
	if compared != 1 || err != context.Canceled {
		t.Errorf("%d entries, %v", compared, err)
	}
}

// logOf is entries from index 1 on, each "TERM TYPE DATA".
func logOf(t *testing.T, texts ...string) (entries []nativelog.Entry) {
	t.Helper()
	for i, text := range texts {
		e := nativelog.Entry{Index: uint64(i + 1)}
		var data string
		if n, _ := fmt.Sscanf(text, "%d %d %s", &e.Term, &e.Type, &data); n < 2 {
			t.Fatalf("%q", text)
		}
		e.Data = []byte(data)
		entries = append(entries, e)
	}
	return entries
}

// TestPromises: which differences break a promise of Raft, and which.
func TestPromises(t *testing.T) {
	type found struct {
		parted  uint64
		what    string
		broken  uint64
		promise Promise
		differs uint64
	}
	base := []string{"1 0 a", "1 0 b", "1 0 c", "2 0 d"}
	for name, tt := range map[string]struct {
		other           []string
		commit, commit2 uint64
		want            found
	}{
		"another term, not committed":      {[]string{"1 0 a", "1 0 b", "1 0 c", "3 0 d"}, 3, 4, found{4, "term", 0, Unbroken, 1}},
		"another term, committed":          {[]string{"1 0 a", "1 0 b", "1 0 c", "3 0 d"}, 4, 4, found{4, "term", 4, Committed, 1}},
		"another payload, not committed":   {[]string{"1 0 a", "1 0 b", "1 0 c", "2 0 e"}, 3, 4, found{4, "payload", 4, SameTerm, 1}},
		"another payload, committed":       {[]string{"1 0 a", "1 0 b", "1 0 c", "2 0 e"}, 4, 4, found{4, "payload", 4, Committed, 1}},
		"another type, not committed":      {[]string{"1 0 a", "1 0 b", "1 0 c", "2 2 d"}, 3, 3, found{4, "type", 4, SameTerm, 1}},
		"another term, then the same term": {[]string{"1 0 a", "2 0 b", "2 0 c", "2 0 e"}, 1, 1, found{2, "term", 4, SameTerm, 3}},
	} {
		t.Run(name, func(t *testing.T) {
			rep := compare(t, []walcore.Log{
				replica(t, "a", nativelog.Meta{GroupID: 1, Commit: tt.commit}, logOf(t, base...)...),
				replica(t, "b", nativelog.Meta{GroupID: 1, Commit: tt.commit2}, logOf(t, tt.other...)...),
			})
			got := found{differs: rep.Differs}
			if rep.Parted != nil {
				got.parted, got.what = rep.Parted.Index, rep.Parted.What
			}
			if rep.Broken != nil {
				got.broken, got.promise = rep.Broken.Index, rep.Broken.Promise
			}
			if got != tt.want || rep.Alike() || len(rep.Emptied) > 0 {
				t.Errorf("got %+v, want %+v, emptied %v", got, tt.want, rep.Emptied)
			}
		})
	}
}

// TestGraverPromise: Broken is where committed entries differ, even if two entries of
// the same term differ at an earlier index.
func TestGraverPromise(t *testing.T) {
	rep := compare(t, []walcore.Log{
		replica(t, "a", nativelog.Meta{Commit: 3}, logOf(t, "1 0 a", "1 0 b", "1 0 c")...),
		replica(t, "b", nativelog.Meta{Commit: 0}, logOf(t, "1 0 x", "1 0 b", "1 0 c")...),
		replica(t, "c", nativelog.Meta{Commit: 3}, logOf(t, "1 0 a", "1 0 b", "1 0 y")...),
	})
	p, b := rep.Parted, rep.Broken
	if p == nil || p.Index != 1 || p.Promise != SameTerm || b == nil || b.Index != 3 || b.Promise != Committed {
		t.Errorf("parted %+v, broken %+v", p, b)
	}
}

// TestEmptied: emptied entries are listed apart, and do not hide other differences.
func TestEmptied(t *testing.T) {
	span := func(dir string, first, last, entries uint64) Emptied {
		return Emptied{Dir: dir, Range: Range{First: first, Last: last}, Entries: entries}
	}
	for name, tt := range map[string]struct {
		logs   [][]string
		want   []Emptied
		broken uint64
		at     int
	}{
		"one replica": {[][]string{{"1 0 a", "1 1 b", "1 0 c", "1 0 d"}, {"1 0", "1 1 b", "1 0", "1 0 d"}},
			[]Emptied{span("1", 1, 3, 2)}, 0, 0},
		"both, each another": {[][]string{{"1 0", "1 0 b"}, {"1 0 a", "1 0"}},
			[]Emptied{span("0", 1, 1, 1), span("1", 2, 2, 1)}, 0, 0},
		"both the same, as a leader's first entry": {[][]string{{"1 0", "1 0 b"}, {"1 0", "1 0 b"}}, []Emptied{}, 0, 0},
		"a break behind": {[][]string{{"1 0 a", "1 0 b"}, {"1 0", "1 0 x"}}, []Emptied{span("1", 1, 1, 1)}, 2, 0},
		"a break between two others": {[][]string{{"1 0 abc"}, {"1 0"}, {"1 0 abx"}},
			[]Emptied{span("1", 1, 1, 1)}, 1, 2},
		"a conf change": {[][]string{{"1 1 a"}, {"1 1"}}, []Emptied{}, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var readers []walcore.Log
			for i, log := range tt.logs {
				readers = append(readers, replica(t, fmt.Sprint(i), nativelog.Meta{GroupID: 1, Commit: 9}, logOf(t, log...)...))
			}
			rep := compare(t, readers)
			if !reflect.DeepEqual(rep.Emptied, tt.want) {
				t.Errorf("emptied %+v, want %+v", rep.Emptied, tt.want)
			}
			switch b := rep.Broken; {
			case (b != nil) != (tt.broken > 0), (rep.Parted != nil) != (tt.broken > 0):
				t.Errorf("parted %+v, broken %+v, want %d", rep.Parted, b, tt.broken)
			case b != nil && (b.Index != tt.broken || b.Byte == nil || *b.Byte != tt.at):
				t.Errorf("broken %+v, want index %d from byte %d on", b, tt.broken, tt.at)
			}
			if rep.Alike() != (len(tt.want) == 0 && tt.broken == 0) {
				t.Errorf("alike %v", rep.Alike())
			}
		})
	}
	// Between different groups nothing counts as emptied.
	rep := compare(t, []walcore.Log{
		replica(t, "a", nativelog.Meta{GroupID: 1}, logOf(t, "1 0 a")...),
		replica(t, "b", nativelog.Meta{GroupID: 2}, logOf(t, "1 0")...),
	})
	if len(rep.Emptied) > 0 || rep.Parted == nil || rep.Broken != nil {
		t.Errorf("%+v", rep)
	}
}
