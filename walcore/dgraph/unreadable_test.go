//go:build linux

package dgraph

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

// indexes says what a reader tells of the log's ends, and of an index below,
// between and beyond the entries: "damaged", "none" or "there".
func indexes(r *Reader, probes ...uint64) string {
	end := func(index uint64, known bool) string {
		if !known {
			return "unknown"
		}
		return fmt.Sprint(index)
	}
	s := end(r.FirstIndex()) + " to " + end(r.LastIndex())
	for _, index := range probes {
		switch _, err := r.Entry(index); {
		case err == nil:
			s += " there"
		case errors.Is(err, walcore.ErrDamaged) && !errors.Is(err, walcore.ErrNoEntry):
			s += " damaged"
		case errors.Is(err, walcore.ErrNoEntry):
			s += " none"
		}
	}
	return s
}

// TestUnreadableFile: what a log file that cannot be read may hold is not said to be
// absent or lost, and what it cannot hold is.
func TestUnreadableFile(t *testing.T) {
	gone := func(d *damaged, name string) { fixture.Must(d.t, os.Chmod(d.path(name), 0)) }
	cut := func(d *damaged, name string) { fixture.Must(d.t, os.Truncate(d.path(name), 0)) }
	for _, test := range []struct {
		name, fixture string
		edit          func(d *damaged)
		want          string // of 0, 1, 500, 900 and 2000
	}{
		{"all is read", "alpha", func(*damaged) {}, "1 to 975 none there there there none"},
		{"the first cannot be opened", "alpha", func(d *damaged) { gone(d, "00001.wal") }, "unknown to 975 none damaged there there none"},
		{"the second", "alpha", func(d *damaged) { gone(d, "00002.wal") }, "1 to 975 none there damaged there none"},
		{"the last", "alpha", func(d *damaged) { gone(d, "00003.wal") }, "1 to unknown none there there damaged damaged"},
		{"the first is cut to nothing", "alpha", func(d *damaged) { cut(d, "00001.wal") }, "unknown to 975 none damaged there there none"},
		{"the last is", "alpha", func(d *damaged) { cut(d, "00003.wal") }, "1 to unknown none there there damaged damaged"},
		{"the last is cut in its slots", "alpha", func(d *damaged) { fixture.Must(d.t, os.Truncate(d.path("00003.wal"), 100*format.SlotSize)) },
			"1 to unknown none there there damaged damaged"},
		{"the last is cut behind its slots", "alpha", func(d *damaged) { fixture.Must(d.t, os.Truncate(d.path("00003.wal"), 300*format.SlotSize)) },
			"1 to 700 none there there damaged none"},
		{"all are", "alpha", func(d *damaged) { gone(d, "00001.wal"); cut(d, "00002.wal"); gone(d, "00003.wal") },
			"unknown to unknown none damaged damaged damaged damaged"},
		{"an empty one before a log from 1 on", "alpha", func(d *damaged) {
			d.rename("00003.wal", "00004.wal")
			d.rename("00002.wal", "00003.wal")
			d.rename("00001.wal", "00002.wal")
			fixture.WriteFile(d.t, d.path("00001.wal"), nil)
		}, "1 to 975 none there there there none"},
		{"no file of the log's", "alpha", func(d *damaged) { fixture.WriteFile(d.t, d.path("7.wal"), nil) }, "1 to 975 none there there there none"},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := damage(t, test.fixture)
			d.Split(700, d.path("00003.wal"))
			d.Split(400, d.path("00002.wal"))
			d.forAll()
			test.edit(d)
			asNobody(t, func() {
				r := d.open()
				if got := indexes(r, 0, 1, 500, 900, 2000); got != test.want {
					t.Errorf("got %s, want %s", got, test.want)
				}
				_, last := r.LastIndex()
				for _, p := range r.Problems() {
					if p.Kind == walcore.KindCommit && !last || strings.Contains(p.Message, "nowhere") {
						t.Errorf("a problem claims a loss: %v", p)
					}
				}
			})
		})
	}
}

// TestUnreadableFileBehindASnapshot: the log begins behind the snapshot whatever the
// first file holds.
func TestUnreadableFileBehindASnapshot(t *testing.T) {
	d := damage(t, "bigsnap") // a snapshot at 20, entries up to 50
	d.second(25)
	d.Truncate(0)
	d.problem("00001.wal", walcore.KindCut, -1, 1, 0, 0)
	d.lose(walcore.ErrDamaged, 1, 25)
	if got := indexes(d.check(), 60); got != "21 to 50 none" {
		t.Errorf("got %s", got)
	}
}

// TestNewFileIsNotUnreadable: a file that a writer has just made is empty for a
// moment, and no entries are missed for it.
func TestNewFileIsNotUnreadable(t *testing.T) { withTestClock(testNewFile)(t) }

func testNewFile(t *testing.T) {
	dir := fixture.Dir(t, "alpha")
	r, err := OpenReader(dir, ReaderOptions{})
	fixture.Must(t, err)
	defer func() { r.Close() }()
	fixture.WriteFile(t, dir+"/00002.wal", nil)
	before := r
	r, err = r.refresh()
	fixture.Must(t, err)
	if got := indexes(r, 976); r == before || got != "1 to 975 none" {
		t.Errorf("a new file: got %s", got)
	}
	// One that stays so is no writer's.
	time.Sleep(settlingTime)
	r, err = r.refresh()
	fixture.Must(t, err)
	if got := indexes(r, 976); got != "1 to unknown damaged" {
		t.Errorf("a file that stays empty: got %s", got)
	}
	r, err = r.refresh()
	fixture.Must(t, err)
	if got := indexes(r, 976); got != "1 to unknown damaged" || !r.settlingSince.IsZero() {
		t.Errorf("later: got %s, settling since %v", got, r.settlingSince)
	}
	fixture.Must(t, os.Truncate(dir+"/00002.wal", 2*format.PayloadAt))
	r, err = r.refresh()
	fixture.Must(t, err)
	if got := indexes(r, 976); got != "1 to 975 none" {
		t.Errorf("a file that has grown: got %s", got)
	}
	// One that had entries is about to go, or somebody else has cut it.
	fixture.Must(t, os.Truncate(dir+"/00001.wal", 0))
	r, err = r.refresh()
	fixture.Must(t, err)
	if got := indexes(r, 7); got != "1 to 0 none" {
		t.Errorf("a file that is about to go: got %s", got)
	}
	time.Sleep(settlingTime)
	r, err = r.refresh()
	fixture.Must(t, err)
	if got := indexes(r, 7); got != "unknown to unknown damaged" {
		t.Errorf("a file that was cut: got %s", got)
	}
}
