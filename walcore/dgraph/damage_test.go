package dgraph

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
)

// damaged is a fixture that a test damages, and what is then to be read.
type damaged struct {
	fixture.File // 00001.wal

	t    *testing.T
	dir  string
	opts ReaderOptions
	want map[uint64]fixture.Entry // what the manifest says, by index

	bad      map[uint64]error  // entries that cannot be read, and why
	listed   bool              // the bad ones are listed all the same
	problems []walcore.Problem // without their messages
}

func damage(t *testing.T, name string) *damaged {
	t.Helper()
	dir := fixture.Dir(t, name)
	d := &damaged{
		File: fixture.Edit(t, filepath.Join(dir, "00001.wal")),
		t:    t,
		dir:  dir,
		opts: ReaderOptions{Key: fixture.Key(name)},
		want: map[uint64]fixture.Entry{},
		bad:  map[uint64]error{},
	}
	for _, e := range fixture.ReadManifest(t, name).Entries {
		d.want[e.Index] = e
	}
	return d
}

func (d *damaged) path(name string) string { return filepath.Join(d.dir, name) }

// lose says that the entries from first to last fail with err.
func (d *damaged) lose(err error, first, last uint64) {
	for i := first; i <= last; i++ {
		d.bad[i] = err
	}
}

// losePayloads says that no payload can be read, for want of a key: entries are
// listed, and those without a payload are whole.
func (d *damaged) losePayloads(err error) {
	for _, e := range d.want {
		if e.Size > 0 {
			d.bad[e.Index] = err
		}
	}
	d.listed = true
}

// problem says that a problem is listed; slots is how many it covers.
func (d *damaged) problem(file string, kind walcore.Kind, slot, slots int, offset, index uint64) {
	if slots == 1 {
		slots = 0
	}
	d.problems = append(d.problems, walcore.Problem{File: file, Slot: slot, Slots: slots, Offset: offset, Index: index, Kind: kind})
}

// about says that a problem with a slot of 00001.wal is listed, with the index
// and offset that the slot now has.
func (d *damaged) about(kind walcore.Kind, slot, slots int) {
	d.t.Helper()
	d.problem("00001.wal", kind, slot, slots, d.Get(slot, fixture.Offset), d.Get(slot, fixture.Index))
}

// open opens the directory.
func (d *damaged) open() *Reader {
	d.t.Helper()
	r, err := OpenReader(d.dir, d.opts)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { r.Close() })
	return r
}

// check opens the directory and compares problems, listing, and every entry.
func (d *damaged) check() *Reader {
	d.t.Helper()
	r := d.open()
	d.checkProblems(r)
	d.checkListing(r)
	for index, want := range d.want {
		e, err := r.Entry(index)
		var data []byte
		if err == nil {
			data, err = e.Data()
		}
		if wantErr, bad := d.bad[index]; bad {
			if !errors.Is(err, wantErr) {
				d.t.Errorf("entry %d: got %d bytes and error %v, want %v", index, len(data), err, wantErr)
			}
			continue
		}
		if sum := sha256.Sum256(data); err != nil || hex.EncodeToString(sum[:]) != want.SHA256 ||
			e.Term != want.Term || int32(e.Type) != want.Type || e.Size != want.Size {
			d.t.Errorf("entry %d: got term %d, type %d, %d bytes and error %v, want %v", index, e.Term, e.Type, len(data), err, want)
		}
	}
	return r
}

func (d *damaged) checkProblems(r *Reader) {
	d.t.Helper()
	got := r.Problems()
	bare := slices.Clone(got)
	for i := range bare {
		if bare[i].Message == "" || strings.Contains(bare[i].Message, "%!") {
			d.t.Errorf("problem %+v has the message %q", bare[i], bare[i].Message)
		}
		bare[i].Message = ""
	}
	if !slices.Equal(bare, d.problems) {
		d.t.Errorf("problems:\ngot  %+v\nwant %+v\nthat is %v", bare, d.problems, got)
	}
}

// checkListing wants every entry that is not bad, once, upwards.
func (d *damaged) checkListing(r *Reader) {
	d.t.Helper()
	last, n := uint64(0), 0
	for e := range r.Entries(0) {
		if e.Index <= last {
			d.t.Fatalf("entry %d is listed after %d", e.Index, last)
		}
		last = e.Index
		n++
		_, known := d.want[e.Index]
		if _, bad := d.bad[e.Index]; !known || bad && !d.listed {
			d.t.Errorf("entry %d is listed", e.Index)
		}
	}
	want := len(d.want)
	if !d.listed {
		want -= len(d.bad)
	}
	if n != want {
		d.t.Errorf("%d entries are listed, want %d", n, want)
	}
}

// renumber raises the indexes from a slot on, in the file and in what is
// wanted.
func (d *damaged) renumber(slot int, by uint64) {
	d.t.Helper()
	for i := d.Slots() - 1; i >= slot; i-- {
		index := d.Get(i, fixture.Index)
		d.Set(i, fixture.Index, index+by)
		e := d.want[index]
		e.Index += by
		delete(d.want, index)
		d.want[index+by] = e
	}
}
