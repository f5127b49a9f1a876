//go:build linux

package e2e

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/walfs/walfs/test/fixture"
)

const (
	firstOverwritten = 900 // the first entry that is overwritten
	cachedIndex      = 905 // the kernel has cached this entry's old payload
)

// overwriteCase is a change to the slot and payload of every entry of alpha from
// firstOverwritten on. f is the log file.
type overwriteCase struct {
	name   string
	listed bool // before the change, and cachedIndex read
	change func(t *testing.T, f *os.File, slot int64, e fixture.Entry)
}

var overwriteCases = []overwriteCase{
	{"payload and slot", true, overwritePayloadAndTerm},
	{"payload and slot, not listed before", false, overwritePayloadAndTerm},
	{"slot alone", true, func(t *testing.T, f *os.File, slot int64, e fixture.Entry) {
		writeNumber(t, f, slot*32, e.Term+1)
	}},
	{"slot zeroed", true, func(t *testing.T, f *os.File, slot int64, e fixture.Entry) {
		write(t, f, slot*32, make([]byte, 32))
	}},
	{"payload moved", true, func(t *testing.T, f *os.File, slot int64, e fixture.Entry) {
		writeNumber(t, f, slot*32+16, 1<<20+uint64(slot))
	}},
	{"length changed", true, func(t *testing.T, f *os.File, slot int64, e fixture.Entry) {
		write(t, f, offset(t, f, slot), binary.BigEndian.AppendUint32(nil, uint32(e.Size+1)))
	}},
}

func overwritePayloadAndTerm(t *testing.T, f *os.File, slot int64, e fixture.Entry) {
	overwritePayload(t, f, slot, e.Size)
	writeNumber(t, f, slot*32, e.Term+1)
}

// TestSlotsOverwrittenWhileMounted does what a node does when a new leader
// has other entries: payloads and slots at the end of the log are replaced.
func TestSlotsOverwrittenWhileMounted(t *testing.T) {
	fixture.OneSize(t)
	want := fixture.ReadManifest(t, "alpha")
	for _, test := range overwriteCases {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := test.mountAndOverwrite(t, want, "--frozen")
			checkFrozenOverwritten(t, m, want)
			alive(t, m, want)
			m.stop()
		})
		t.Run(test.name+", followed", func(t *testing.T) {
			t.Parallel()
			m := test.mountAndOverwrite(t, want)
			for range 2 { // the second time with what the kernel has cached
				checkFollowedOverwritten(t, m, want)
				following(t, m)
			}
			m.stop()
		})
	}
}

func (test overwriteCase) mountAndOverwrite(t *testing.T, want *fixture.Manifest, args ...string) *mounted {
	t.Helper()
	dir := fixture.Dir(t, "alpha")
	m := mount(t, dir, t.TempDir(), args...)
	if test.listed {
		output(t, "find", m.at+"/entries", "-type", "f", "-size", "+0")
		output(t, "cat", fmt.Sprintf("%s/entries/%d", m.at, cachedIndex))
	}
	f, err := os.OpenFile(filepath.Join(dir, "00001.wal"), os.O_RDWR, 0)
	fixture.Must(t, err)
	defer f.Close()
	for _, e := range want.Entries[firstOverwritten-1:] {
		test.change(t, f, int64(e.Index-1), e)
	}
	return m
}

// checkFrozenOverwritten wants EIO for what was overwritten, unless the kernel
// has the old payload or there was none.
func checkFrozenOverwritten(t *testing.T, m *mounted, want *fixture.Manifest) {
	t.Helper()
	for path, g := range walk(t, m.at, "entries") {
		e := entryOf(t, want, path)
		switch {
		case e.Index < firstOverwritten || e.Index == cachedIndex && g.sum == e.SHA256 || e.Size == 0 && g.sum == sum(""):
			if g.sum != e.SHA256 {
				t.Fatalf("%s: got %+v, want %+v", path, g, e)
			}
		case g.sum != syscall.EIO.Error():
			t.Fatalf("%s: got %+v, want EIO", path, g)
		}
	}
}

// checkFollowedOverwritten wants the old entry, the new one, or an error.
func checkFollowedOverwritten(t *testing.T, m *mounted, want *fixture.Manifest) {
	t.Helper()
	for path, g := range walk(t, m.at, "entries") {
		e := entryOf(t, want, path)
		overwritten := sum(strings.Repeat("N", int(e.Size)))
		switch {
		case g.sum == e.SHA256:
		case e.Index >= firstOverwritten && (gone[g.sum] || g.sum == overwritten):
		case e.Index >= firstOverwritten-2 && gone[g.sum]: // the slots after it contradict it
		case int(e.Index) == len(want.Entries): // no slot after it, so any length can be right
		default:
			t.Fatalf("%s: got %+v, want %+v, the new entry or an error", path, g, e)
		}
	}
}

// entryOf gives the manifest's entry for a path of the mount.
func entryOf(t *testing.T, m *fixture.Manifest, path string) fixture.Entry {
	t.Helper()
	var index uint64
	if _, err := fmt.Sscanf(filepath.Base(path), "%d", &index); err != nil || index == 0 || index > uint64(len(m.Entries)) {
		t.Fatalf("%s is no entry", path)
	}
	return m.Entries[index-1]
}

// offset reads where a slot says that its payload is.
func offset(t *testing.T, f *os.File, slot int64) int64 {
	t.Helper()
	var b [8]byte
	if _, err := f.ReadAt(b[:], slot*32+16); err != nil {
		t.Fatal(err)
	}
	return int64(binary.BigEndian.Uint64(b[:]))
}

// overwritePayload keeps the length, so that only the slot shows that the payload
// is another.
func overwritePayload(t *testing.T, f *os.File, slot, size int64) {
	t.Helper()
	b := make([]byte, size)
	for i := range b {
		b[i] = 'N'
	}
	write(t, f, offset(t, f, slot)+4, b)
}

func writeNumber(t *testing.T, f *os.File, off int64, n uint64) {
	t.Helper()
	write(t, f, off, binary.BigEndian.AppendUint64(nil, n))
}

func write(t *testing.T, f *os.File, off int64, b []byte) {
	t.Helper()
	if _, err := f.WriteAt(b, off); err != nil {
		t.Fatal(err)
	}
}
