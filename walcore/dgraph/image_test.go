package dgraph

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

// openFixture opens a fixture with its key.
func openFixture(t *testing.T, name string) *Reader {
	t.Helper()
	r, err := OpenReader(fixture.ShortDir(t, name), ReaderOptions{Key: fixture.Key(name)})
	fixture.Must(t, err)
	t.Cleanup(func() { r.Close() })
	return r
}

// imageOf is an image, which must be had.
func imageOf(t *testing.T, r *Reader) []walcore.NativeFile {
	t.Helper()
	files, err := r.Image()
	fixture.Must(t, err)
	return files
}

// openImage opens an image as a directory.
func openImage(t *testing.T, name string, files []walcore.NativeFile) *Reader {
	t.Helper()
	r, err := OpenFiles("image", files, ReaderOptions{Key: fixture.Key(name)})
	fixture.Must(t, err)
	t.Cleanup(func() { r.Close() })
	return r
}

// TestImageOfFixture: an image opens, without a problem, and has the entries and the
// metadata that Dgraph's own code reads from the original.
func TestImageOfFixture(t *testing.T) {
	for _, name := range fixture.Size(fixture.Small, fixture.All()) {
		t.Run(name, func(t *testing.T) {
			original := openFixture(t, name)
			r := openImage(t, name, imageOf(t, original))
			for _, p := range r.Problems() {
				if p.Kind != walcore.KindKeyErased {
					t.Error(p)
				}
			}
			want := fixture.ReadManifest(t, name).Entries
			n := 0
			for e := range r.Entries(0) {
				data, err := e.Data()
				got := fixture.Entry{Term: e.Term, Index: e.Index, Type: int32(e.Type), Size: e.Size, SHA256: fmt.Sprintf("%x", sha256.Sum256(data))}
				if err == nil && n < len(want) && got != want[n] {
					t.Fatalf("entry %+v, want %+v", got, want[n])
				}
				if n++; err != nil && len(r.Problems()) == 0 {
					t.Fatal(err)
				}
			}
			if n != len(want) {
				t.Errorf("%d entries, want %d", n, len(want))
			}
			if got, want := *r.Meta().HardState, *original.Meta().HardState; got != want {
				t.Errorf("hard state %+v, want %+v", got, want)
			}
			if got, want := *r.meta.SnapshotIndex, *original.meta.SnapshotIndex; got != want {
				t.Errorf("snapshot %d, want %d", got, want)
			}
		})
	}
}

// TestImageIsTheFile: the bytes of an image's files are those of the directory's, but
// that log files end with their last payload. NextData tells where they are not zero, and
// any part can be read.
func TestImageIsTheFile(t *testing.T) {
	for _, name := range fixture.Small {
		r := openFixture(t, name)
		for _, f := range imageOf(t, r) {
			original := findNative(r.native, f.Name)
			got, want := readAll(t, f), make([]byte, f.Attr.Size)
			fixture.Must(t, readFull(original, want, 0))
			if log := r.tableOf(original.f); log != nil {
				clear(want[log.Len()*format.SlotSize : format.KeyHeaderAt])
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s/%s differs from the original", name, f.Name)
			}
			sparse := make([]byte, f.Attr.Size)
			blocks := int64(0)
			for at := int64(0); ; {
				from, to, found := f.ReaderAt.(walcore.Sparse).NextData(at)
				if !found {
					break
				}
				if from < at || to <= from || to > f.Attr.Size {
					t.Fatalf("%s: data from %d to %d, asked for %d of %d", f.Name, from, to, at, f.Attr.Size)
				}
				fixture.Must(t, readFull(f, sparse[from:to], from))
				blocks += to - from
				at = to
			}
			if !bytes.Equal(sparse, want) {
				t.Errorf("%s/%s: NextData leaves out data", name, f.Name)
			}
			if b := f.Attr.Blocks * 512; b < blocks || b > blocks+f.Attr.Size/16+8192 {
				t.Errorf("%s/%s: %d bytes of blocks for %d of data", name, f.Name, b, blocks)
			}
		}
	}
}

// readAll reads a file in pieces of odd sizes.
func readAll(t *testing.T, f walcore.NativeFile) (all []byte) {
	t.Helper()
	for k := 1; ; k++ {
		p := make([]byte, k*k*7%200_003)
		n, err := f.ReadAt(p, int64(len(all)))
		all = append(all, p[:n]...)
		if err == io.EOF {
			return all
		}
		fixture.Must(t, err)
		if n < len(p) {
			t.Fatalf("%d of %d bytes, without an error", n, len(p))
		}
	}
}

// TestImageOfDamage: where a copy would be damaged there is no image, and the error says
// where the damage is and what to do.
func TestImageOfDamage(t *testing.T) {
	dir := fixture.Dir(t, "alpha")
	f := fixture.Edit(t, filepath.Join(dir, "00001.wal"))
	f.Set(500, fixture.Offset, 17)
	r, err := OpenReader(dir, ReaderOptions{})
	fixture.Must(t, err)
	defer r.Close()
	_, err = r.Image()
	for _, want := range []string{"00001.wal slot 500", "damaged", "walfs repair " + dir} {
		if err == nil || !bytes.Contains([]byte(err.Error()), []byte(want)) {
			t.Errorf("%v: no %q", err, want)
		}
	}
}
