//go:build linux

package mutate

import (
	"io"
	"os"
	"path/filepath"

	"github.com/walfs/walfs/walcore/platform"
)

// image is a file's bytes without its holes.
type image struct {
	size int64
	data []extent // upwards
}

type extent struct {
	at int64
	b  []byte
}

// readImages takes the files of a directory.
func readImages(dir string) (map[string]*image, error) {
	list, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	images := map[string]*image{}
	for _, e := range list {
		if images[e.Name()], err = readImage(filepath.Join(dir, e.Name())); err != nil {
			return nil, err
		}
	}
	return images, nil
}

func readImage(path string) (*image, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	m := &image{size: st.Size()}
	for at := int64(0); ; {
		from, to, found, err := platform.NextData(f, at)
		if err != nil || !found {
			return m, err
		}
		b := make([]byte, to-from)
		if _, err := io.ReadFull(io.NewSectionReader(f, from, to-from), b); err != nil {
			return nil, err
		}
		m.data = append(m.data, extent{from, b})
		at = to
	}
}

// bytes gives n bytes at off; behind the file's end they are 0.
func (m *image) bytes(off, n int64) []byte {
	p := make([]byte, n)
	for _, x := range m.data {
		if from, to := max(off, x.at), min(off+n, x.at+int64(len(x.b))); from < to {
			copy(p[from-off:], x.b[from-x.at:to-x.at])
		}
	}
	return p
}

// write makes path a file with the image's bytes.
func (m *image) write(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	for _, x := range m.data {
		if _, err := f.WriteAt(x.b, x.at); err != nil {
			return err
		}
	}
	return f.Truncate(m.size)
}

// same reports whether path has the image's bytes.
func (m *image) same(path string) (bool, error) {
	now, err := readImage(path)
	if err != nil || now.size != m.size {
		return false, err
	}
	for _, pair := range [2][2]*image{{m, now}, {now, m}} {
		for _, x := range pair[0].data {
			if string(pair[1].bytes(x.at, int64(len(x.b)))) != string(x.b) {
				return false, nil
			}
		}
	}
	return true, nil
}
