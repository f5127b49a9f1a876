package storage

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/walfs/walfs/test/fixture"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/crashfs"
	"github.com/walfs/walfs/walcore/format"
	"github.com/walfs/walfs/walcore/vfs"
)

var someKey = []byte("0123456789abcdef")

// lastRecord is where the last record of a key registry begins.
func lastRecord(raw []byte) int {
	at := format.RegistryHeaderSize
	for n := at; n < len(raw); n += format.RecordHeaderSize + int(binary.BigEndian.Uint32(raw[n:])) {
		at = n
	}
	return at
}

// ageDataKey makes the latest data key older.
func ageDataKey(t testing.TB, dir string, days int) {
	t.Helper()
	name := filepath.Join(dir, format.KeyRegistryName)
	raw := fixture.ReadFile(t, name)
	registry := format.ParseRegistry(raw)
	keys, err := registry.Open(someKey)
	fixture.Must(t, err)
	dk, _ := keys.Get(registry.IDs[len(registry.IDs)-1])
	dk.Created = dk.Created.Add(-time.Duration(days) * 24 * time.Hour)
	record, err := format.EncodeRecord(someKey, dk)
	fixture.Must(t, err)
	fixture.WriteFile(t, name, append(raw[:lastRecord(raw)], record...))
}

func dataKeys(s *DiskStorage) string {
	var ids []uint64
	for _, g := range s.segments {
		ids = append(ids, g.header.KeyID)
	}
	return fmt.Sprint(ids)
}

// A data key is used for new files for ten days.
func TestDataKeyRotation(t *testing.T) {
	dir := filepath.Join(memDir(t), "w")
	opts := Options{Key: someKey, Create: true, limits: smallFiles, Logger: quiet}
	for _, days := range []int{9, 2, 0} { // the file begun by the second run still has the first key
		s := create(t, dir, opts)
		last, _ := s.LastIndex()
		fixture.Must(t, s.Save(nil, someEntries(1, last+1, 15), nil))
		fixture.Must(t, s.Close())
		ageDataKey(t, dir, days)
	}
	s := reopen(t, dir, opts)
	if got := dataKeys(s); got != "[1 1 1 2 2]" {
		t.Errorf("data keys %s", got)
	}
	wantLog(t, s, someEntries(1, 1, 45)...)
}

// A power loss while a data key is added leaves any part of its record. No
// file uses the key then: the record is cut off, and told.
func TestTornDataKey(t *testing.T) {
	// TestPowerLoss opens images with it.
	fixture.NotForRace(t)
	for name, have := range map[string]int{"first": 0, "second": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newTornKey(t, have)
			at, n := d.sound, len(d.raw)
			for i := at; i <= n; i++ {
				d.check(t, d.raw[:i])
			}
			for i := at; i < n; i += 7 { // the new size is on disk, and some of the bytes
				d.check(t, append(bytes.Clone(d.raw[:i]), make([]byte, n-i)...))
				d.check(t, append(append(bytes.Clone(d.raw[:at]), make([]byte, i-at)...), d.raw[i:]...))
			}
		})
	}
}

// tornKey is a directory before a data key was added and after it.
type tornKey struct {
	opts          Options
	dir           string
	have          int // data keys before
	before, after crashfs.State
	raw           []byte // the registry after it
	sound         int    // its size before
}

func newTornKey(t *testing.T, have int) *tornKey {
	d := &tornKey{opts: Options{Key: someKey, limits: smallFiles, Logger: quiet}, dir: filepath.Join(memDir(t), "w"), have: have}
	s := create(t, d.dir, d.opts)
	fixture.Must(t, s.Save(hard(1, 1, 0), someEntries(1, 1, 10), nil))
	fixture.Must(t, s.Close())
	if have == 0 {
		fixture.Must(t, os.Remove(filepath.Join(d.dir, format.FileName(1))))
		d.before = stateOf(t, d.dir)
	} else {
		ageDataKey(t, d.dir, 11)
		d.before = stateOf(t, d.dir)
		s = reopen(t, d.dir, d.opts)
		fixture.Must(t, s.Save(nil, someEntries(1, 11, 5), nil))
		fixture.Must(t, s.Close())
		d.after = stateOf(t, d.dir)
	}
	d.raw = fixture.ReadFile(t, d.registry())
	d.sound = lastRecord(d.raw)
	return d
}

func (d *tornKey) registry() string { return filepath.Join(d.dir, format.KeyRegistryName) }

// write makes the directory a state of before, but for its registry.
func (d *tornKey) write(t *testing.T, state crashfs.State, torn []byte) {
	t.Helper()
	fixture.Must(t, os.RemoveAll(d.dir))
	fixture.Must(t, state.Write(d.dir))
	fixture.WriteFile(t, d.registry(), torn)
}

func (d *tornKey) check(t *testing.T, torn []byte) {
	t.Helper()
	d.write(t, d.before, torn)
	whole := bytes.Equal(torn, d.raw)
	wantProblem := !whole && len(torn) > d.sound
	dry := d.opts
	dry.DryRun = true
	first := uint64(10*d.have + 1)
	for _, opts := range []Options{dry, d.opts} {
		s := reopen(t, d.dir, opts)
		p := s.Problems()
		if found := len(p) == 1 && p[0].Kind == walcore.KindKeyRegistry && p[0].Offset == uint64(d.sound); found != wantProblem || len(p) > 1 {
			t.Fatalf("%d bytes: %v", len(torn), p)
		}
		fixture.Must(t, s.Save(hard(1, 1, 0), someEntries(1, first, 15), nil)) // with a new data key
		wantLog(t, s, someEntries(1, 1, int(first)+14)...)
		fixture.Must(t, s.Close())
		if now := fixture.ReadFile(t, d.registry()); opts.DryRun && !bytes.Equal(now, torn) {
			t.Fatalf("%d bytes: a dry run has changed the registry", len(torn))
		}
	}
	s := reopen(t, d.dir, d.opts)
	if p := s.Problems(); len(p) > 0 {
		t.Fatalf("%d bytes: opened again: %v", len(torn), p)
	}
	wantLog(t, s, someEntries(1, 1, int(first)+14)...)
	fixture.Must(t, s.Close())

	if d.have == 0 || whole {
		return
	}
	// Where a file uses the key, that is no crash.
	d.write(t, d.after, torn)
	want := walcore.ErrDamaged
	if !wantProblem {
		want = walcore.ErrDataKey
	}
	was := snapshotDir(t, d.dir)
	if _, err := Open(d.dir, d.opts); !errors.Is(err, want) {
		t.Fatalf("%d bytes, and a file uses the key: %v", len(torn), err)
	}
	if now := snapshotDir(t, d.dir); now != was {
		t.Fatalf("refused, but changed:\n%s\n%s", was, now)
	}
}

// stateOf copies a directory into memory.
func stateOf(t testing.TB, dir string) (state crashfs.State) {
	t.Helper()
	under, err := vfs.OpenDir(dir)
	fixture.Must(t, err)
	defer under.Close()
	disk, err := crashfs.Wrap(under, 4096)
	fixture.Must(t, err)
	disk.States(1, nil, func(s crashfs.State) { state = s })
	return state
}

// A key for a log that is not encrypted is a mistake, unless Plain says that it
// is not: what comes is encrypted then.
func TestKeyForPlainLog(t *testing.T) {
	for _, registry := range []bool{false, true} {
		dir := filepath.Join(memDir(t), "w")
		plain := Options{limits: smallFiles, Logger: quiet}
		encrypted := plain
		encrypted.Key = someKey
		s := create(t, dir, plain)
		fixture.Must(t, s.Save(hard(1, 1, 5), someEntries(1, 1, 5), nil))
		fixture.Must(t, s.Close())
		if registry { // without a data key, as a crash in turning encryption on leaves it
			keyed := filepath.Join(memDir(t), "w")
			fixture.Must(t, create(t, keyed, encrypted).Close())
			fixture.WriteFile(t, filepath.Join(dir, format.KeyRegistryName), fixture.ReadFile(t, filepath.Join(keyed, format.KeyRegistryName))[:format.RegistryHeaderSize])
		}
		was, want := snapshotDir(t, dir), walcore.ErrKey
		if registry {
			want = walcore.ErrDataKey // for all that is known, the key id is erased
		}
		if _, err := Open(dir, encrypted); !errors.Is(err, want) {
			t.Errorf("a key for a plain log: %v", err)
		}
		if now := snapshotDir(t, dir); now != was {
			t.Errorf("refused, but changed:\n%s\n%s", was, now)
		}
		encrypted.Plain = true
		for i := range uint64(3) {
			s := reopen(t, dir, encrypted)
			fixture.Must(t, s.Save(nil, someEntries(1, 6+7*i, 7), nil))
			wantLog(t, s, someEntries(1, 1, int(12+7*i))...)
			fixture.Must(t, s.Close())
		}
		if got := dataKeys(reopen(t, dir, encrypted)); got != "[0 1 1 1]" {
			t.Errorf("data keys %s", got)
		}
	}
}

// An empty plain log takes a key: nothing in it is plain yet.
func TestKeyForEmptyLog(t *testing.T) {
	dir := filepath.Join(memDir(t), "w")
	opts := Options{Logger: quiet}
	fixture.Must(t, create(t, dir, opts).Close())
	opts.Key = someKey
	for i := range uint64(2) {
		s := reopen(t, dir, opts)
		fixture.Must(t, s.Save(nil, someEntries(1, 1+i, 1), nil))
		fixture.Must(t, s.Close())
	}
	wantLog(t, reopen(t, dir, opts), someEntries(1, 1, 2)...)
}

// With a key, too, Open has changed nothing when it finds damage.
func TestDamageStopsOpenWithKey(t *testing.T) {
	dir := filepath.Join(memDir(t), "w")
	s := create(t, dir, Options{limits: smallFiles, Logger: quiet})
	fixture.Must(t, s.Save(hard(1, 1, 25), someEntries(1, 1, 25), nil))
	fixture.Must(t, s.Close())
	fixture.Must(t, os.Remove(filepath.Join(dir, format.FileName(2))))
	was := snapshotDir(t, dir)
	if _, err := Open(dir, Options{Logger: quiet, Key: someKey, Plain: true}); !errors.Is(err, walcore.ErrDamaged) {
		t.Error(err)
	}
	if now := snapshotDir(t, dir); now != was {
		t.Errorf("refused, but changed:\n%s\n%s", was, now)
	}
}

// A registry that is none, or of another key, stops Open, which changes nothing.
func TestNoKeyRegistry(t *testing.T) {
	dir := filepath.Join(memDir(t), "w")
	opts := Options{Key: someKey, Logger: quiet}
	s := create(t, dir, opts)
	fixture.Must(t, s.Save(nil, someEntries(1, 1, 5), nil))
	fixture.Must(t, s.Close())
	name := filepath.Join(dir, format.KeyRegistryName)
	raw := fixture.ReadFile(t, name)
	for _, test := range []struct {
		content []byte
		key     string
		want    error
	}{
		{nil, string(someKey), walcore.ErrDamaged},
		{raw[:format.RegistryHeaderSize-1], string(someKey), walcore.ErrDamaged},
		{append(bytes.Clone(raw), make([]byte, format.MaxRegistry)...), string(someKey), walcore.ErrDamaged},
		{raw[:len(raw)-1], "fedcba9876543210", walcore.ErrKey},
		{raw, "fedcba9876543210", walcore.ErrKey},
		{raw[:len(raw)-1], "", walcore.ErrNoKey},
		{raw, "", walcore.ErrNoKey},
	} {
		fixture.WriteFile(t, name, test.content)
		was := snapshotDir(t, dir)
		if _, err := Open(dir, Options{Key: []byte(test.key), Logger: quiet}); !errors.Is(err, test.want) {
			t.Errorf("%d bytes, key %q: %v, want %v", len(test.content), test.key, err, test.want)
		}
		if now := snapshotDir(t, dir); now != was {
			t.Errorf("refused, but changed:\n%s\n%s", was, now)
		}
	}
	fixture.WriteFile(t, name, raw)
	wantLog(t, reopen(t, dir, opts), someEntries(1, 1, 5)...)
}
