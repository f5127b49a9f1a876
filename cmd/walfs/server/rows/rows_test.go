package rows

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/detect"
	"github.com/walfs/walfs/walcore/filter"
	"github.com/walfs/walfs/walcore/payload"
)

func open(t *testing.T, dir string) (walcore.Log, payload.Decoder) {
	t.Helper()
	log, err := detect.Open(dir, detect.Options{})
	fixture.Must(t, err)
	t.Cleanup(func() { log.Close() })
	return log, payload.Of(log, payload.Options{})
}

// TestRows: all entries are rows, whether read at once or a few at a time, and say what JSON
// has room for.
func TestRows(t *testing.T) {
	for _, name := range []string{"alpha", "etcd-small", "hashicorp-wal-n2"} {
		log, decoder := open(t, fixture.Dir(t, name))
		var want, got []uint64
		for e := range log.Entries(1) {
			want = append(want, e.Index)
		}
		r := New(log, decoder, &filter.Filter{}, 1)
		for more := true; more; {
			more = false
			n := 0
			for row := range r.All() {
				got = append(got, row.Index)
				line := append(row.AppendJSON(nil, log.Meta().System), '}')
				var fields map[string]any
				if err := json.Unmarshal(line, &fields); err != nil {
					t.Fatalf("%s: %v", line, err)
				}
				if fields["index"] != float64(row.Index) || fields["kind"] != row.Kind || fields["what"] != string(row.What) || row.Kind == "" {
					t.Errorf("%s", line)
				}
				if n++; n == 7 {
					more = true
					break
				}
			}
		}
		if !slices.Equal(got, want) || r.Next() != want[len(want)-1]+1 {
			t.Errorf("%s: %d rows of %d entries; next %d", name, len(got), len(want), r.Next())
		}
	}
}

// TestDamagedRows: an index whose entry is lost is a row that says so, with a filter too, and
// what does not match for long lets others have their turn.
func TestDamagedRows(t *testing.T) {
	dir := fixture.Dir(t, "alpha")
	file := fixture.Edit(t, filepath.Join(dir, "00001.wal"))
	first := file.Get(0, fixture.Index)
	file.SetLength(9, 1<<30) // behind the file's end
	log, decoder := open(t, dir)
	for _, term := range []string{"", "1099511627776"} {
		var f filter.Filter
		if term != "" {
			fixture.Must(t, f.Set("term", term))
		}
		fixture.Must(t, f.Resolve(log))
		var broken []uint64
		rows, pauses := 0, 0
		for row := range New(log, decoder, &f, 0).All() {
			switch {
			case row == nil:
				pauses++
			case row.Err != nil:
				if !errors.Is(row.Err, walcore.ErrDamaged) {
					t.Error(row.Err)
				}
				broken = append(broken, row.Index)
			default:
				rows++
			}
		}
		if !slices.Equal(broken, []uint64{first + 9}) {
			t.Errorf("lost: %d", broken)
		}
		if term == "" && (rows != walcore.Count(log)-1 || pauses != 0) || term != "" && (rows != 0 || pauses == 0) {
			t.Errorf("term %q: %d rows, %d pauses", term, rows, pauses)
		}
	}
}

// gaps is a log that has lost some entries.
type gaps struct {
	walcore.Log
	first, last uint64
}

func (g gaps) Gap(first, last uint64) error {
	if max(first, g.first) <= min(last, g.last) {
		return walcore.ErrDamaged
	}
	return nil
}

// TestFirstGap: the first lost index is found however wide the range is.
func TestFirstGap(t *testing.T) {
	for _, g := range []gaps{{nil, 5, 5}, {nil, 1 << 40, 1 << 41}, {nil, 1, 1 << 60}} {
		for _, first := range []uint64{1, 4, 5, 6, 1<<40 + 1} {
			index, err := firstGap(g, first, 1<<62)
			if want := max(first, g.first); first <= g.last && (err == nil || index != want) || first > g.last && err != nil {
				t.Errorf("%v from %d: %d, %v", g, first, index, err)
			}
		}
	}
}
