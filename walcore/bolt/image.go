package bolt

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/walfs/walfs/walcore"
)

// Image is a database's file as of one transaction: an io.ReaderAt of a file that opens there.
// Its pages are read when they are asked for. Once there is a newer transaction, that fails
// with walcore.ErrChanged: while a node writes the transaction after it, it writes over pages
// of this one before anything tells. The meta pages are in memory.
type Image struct {
	db   DB
	head []byte // the two meta pages
}

// NewImage gives the newest transaction's.
func NewImage(f io.ReaderAt) (*Image, error) {
	for range maxLooks {
		m, sound, err := ReadMeta(f)
		if err != nil {
			return nil, err
		}
		// Whoever makes room for all pages relies on it: they are in the file.
		if n, err := f.ReadAt(make([]byte, 1), int64(m.Pages)*m.PageSize-1); n == 0 {
			if errors.Is(err, io.EOF) {
				err = fmt.Errorf("it has %d pages of %d bytes, and the file ends before: %w", m.Pages, m.PageSize, walcore.ErrDamaged)
			}
			return nil, err
		}
		i := &Image{db: DB{File: f, Meta: m}, head: make([]byte, 2*m.PageSize)}
		if err := i.db.fill(i.head, 0); err != nil {
			return nil, err
		}
		// A meta page that was read while it was written would look damaged in a copy.
		held, soundHeld, err := ReadMeta(bytes.NewReader(i.head))
		if err == nil && held == m && soundHeld == sound {
			return i, nil
		}
	}
	return nil, errNewer
}

// maxLooks bounds how often the meta pages are read until two looks agree.
const maxLooks = 100

var errNewer = fmt.Errorf("the database has a newer transaction: %w", walcore.ErrChanged)

// DB reads the database of the image. Each one is for one goroutine.
func (i *Image) DB() *DB { return &DB{File: i.db.File, Meta: i.db.Meta} }

// Size is up to where its pages go. What the file has behind them was never in use.
func (i *Image) Size() int64 { return int64(i.db.Pages) * i.db.PageSize }

// ReadAt reads as io.ReaderAt says.
func (i *Image) ReadAt(p []byte, off int64) (int, error) {
	end := error(nil)
	if n := max(i.Size()-off, 0); int64(len(p)) > n {
		p, end = p[:n], io.EOF
	}
	read := p
	if n := int64(len(i.head)) - off; n > 0 {
		read = p[copy(p, i.head[off:]):]
	}
	if len(read) == 0 {
		return len(p), end
	}
	if err := i.db.readAt(read, off+int64(len(p)-len(read))); err != nil {
		return 0, err
	}
	now, _, err := ReadMeta(i.db.File)
	if err == nil && now != i.db.Meta {
		err = errNewer
	}
	if err != nil {
		return 0, err
	}
	return len(p), end
}

// Same is the range in which an earlier image has the same bytes: all, where there was no
// transaction in between.
func (i *Image) Same(earlier io.ReaderAt) (from, to int64) {
	if e, ok := earlier.(*Image); ok && e.db.Meta == i.db.Meta && bytes.Equal(e.head, i.head) && e.db.File == i.db.File {
		return 0, i.Size()
	}
	return 0, 0
}
