package etcd

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
)

// database gives the bytes of an image's database.
func database(t *testing.T, files []walcore.NativeFile) []byte {
	t.Helper()
	for _, f := range files {
		if strings.HasSuffix(f.Name, "/db") {
			b, err := io.ReadAll(io.NewSectionReader(f, 0, f.Attr.Size))
			fixture.Must(t, err)
			return b
		}
	}
	t.Fatal("no database")
	return nil
}

// TestPinnedImages: each image has the database that it was made with, two at a time and one
// after the other, whatever is done with another one's file. The log goes on without them.
func TestPinnedImages(t *testing.T) {
	dir := fixture.Dir(t, "etcd-small")
	name := filepath.Join(dir, "member/snap/db")
	r := open(t, dir)
	var pins [2]walcore.Pinned
	var files [2]*os.File
	var states [3][]byte
	for i := range states {
		applying(t, dir, uint64(40+i), 2)
		states[i] = fixture.ReadFile(t, name)
		r = refresh(t, r)
		if i == len(pins) {
			break
		}
		var err error
		files[i], err = os.Create(filepath.Join(t.TempDir(), "pinned"))
		fixture.Must(t, err)
		pins[i], err = r.Pin(t.Context(), files[i])
		fixture.Must(t, err)
	}
	check := func(i int, take func() ([]walcore.NativeFile, error)) {
		t.Helper()
		image, err := take()
		fixture.Must(t, err)
		if got := database(t, image); !bytes.Equal(got, states[i][:len(got)]) {
			t.Errorf("image %d has another database", i)
		}
	}
	check(2, r.Image)
	for i, p := range pins {
		check(i, func() ([]walcore.NativeFile, error) { return p.Image(r) })
	}
	fixture.Must(t, files[0].Close())
	if _, err := pins[0].Image(r); err == nil {
		t.Error("an image of a file that is closed")
	}
	check(1, func() ([]walcore.NativeFile, error) { return pins[1].Image(r) })
	fixture.Must(t, files[1].Close())
	check(2, r.Image)
}
