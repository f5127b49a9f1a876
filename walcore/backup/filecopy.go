package backup

import (
	"bytes"
	"context"
	"fmt"
	"hash/crc32"
	"io"
	"os"

	"github.com/walfs/walfs/walcore"
)

// chunk is how much is copied at once.
const chunk = 1 << 20

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// chunkReader reads a file chunk by chunk.
type chunkReader struct {
	walcore.NativeFile
	buf []byte
}

// read gives the chunk at off. Holes are not read.
func (r *chunkReader) read(off int64) ([]byte, error) {
	end := min(off+chunk, r.Attr.Size)
	if r.buf == nil {
		r.buf = make([]byte, chunk)
	}
	b := r.buf[:end-off]
	sparse, ok := r.ReaderAt.(walcore.Sparse)
	if !ok {
		return b, readAt(r, b, off)
	}
	for at := off; at < end; {
		from, to, found := sparse.NextData(at)
		if !found || from > end {
			from, to = end, end
		}
		to = min(to, end)
		clear(b[at-off : from-off])
		if err := readAt(r, b[from-off:to-off], from); err != nil {
			return nil, err
		}
		at = to
	}
	return b, nil
}

func readAt(r io.ReaderAt, p []byte, off int64) error {
	if n, err := r.ReadAt(p, off); n < len(p) {
		return err
	}
	return nil
}

// inMemory is how much of an image's file is in memory, in whole chunks: reading that does not
// fail. Files in memory are no Continued.
func inMemory(f walcore.NativeFile) int64 {
	c, ok := f.ReaderAt.(walcore.Continued)
	if !ok {
		return f.Attr.Size
	}
	from, _ := c.Same(nil)
	return min(from/chunk*chunk, f.Attr.Size)
}

// fileCopy is a file that is being written. It is open only while that is done: a log can
// have more files than a process may have open. If writing it out fails meanwhile, the
// next flush tells, or else what is read back has other bytes.
type fileCopy struct {
	path string
	of   io.ReaderAt // what it is a copy of
	sums []uint32    // of its chunks; those that are not written yet have 0
	done int64       // chunks from what is in memory up to here are written
}

// keep goes on with a file that was begun as the copy of an earlier image's. Chunks in
// which the two may differ are cut off.
func (c *fileCopy) keep(f walcore.NativeFile) error {
	from, to := int64(0), int64(0)
	if now, ok := f.ReaderAt.(walcore.Continued); ok && c.of != nil {
		from, to = now.Same(c.of)
	}
	c.of = f.ReaderAt
	if to = min(to, c.done) / chunk * chunk; to < from {
		to = 0
	}
	c.done = to
	c.sums = c.sums[:min(int64(len(c.sums)), to/chunk)]
	return os.Truncate(c.path, to)
}

func (c *fileCopy) open() (*os.File, error) { return os.OpenFile(c.path, os.O_RDWR, 0) }

// ReadAt reads what was written.
func (c *fileCopy) ReadAt(p []byte, off int64) (int, error) {
	f, err := c.open()
	if err != nil {
		return 0, err
	}
	defer f.Close() // it was only read
	return f.ReadAt(p, off)
}

// write writes the chunks of a file from off up to end.
func (c *fileCopy) write(ctx context.Context, out io.WriterAt, f walcore.NativeFile, off, end int64, progress func(int64)) error {
	r := chunkReader{NativeFile: f}
	for ; off < end; off += chunk {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		b, err := r.read(off)
		if err != nil {
			return err
		}
		if err := writeSparse(out, b, off); err != nil {
			return err
		}
		for int64(len(c.sums)) <= off/chunk {
			c.sums = append(c.sums, 0)
		}
		c.sums[off/chunk] = crc32.Checksum(b, castagnoli)
		progress(int64(len(b)))
	}
	return nil
}

// page is the size of a hole at least.
const page = 4096

var zeros [page]byte

// writeSparse writes b to out, without its pages of zeros.
func writeSparse(out io.WriterAt, b []byte, off int64) error {
	for at := 0; at < len(b); {
		end := at
		for end < len(b) && !isZero(b[end:min(end+page, len(b))]) {
			end = min(end+page, len(b))
		}
		if end > at {
			if _, err := out.WriteAt(b[at:end], off+int64(at)); err != nil {
				return err
			}
		}
		at = end + page
	}
	return nil
}

func isZero(p []byte) bool { return bytes.Equal(p, zeros[:len(p)]) }

// compare reads a file back and compares it with what was written. Its chunks have these
// checksums.
func compare(ctx context.Context, name string, r io.ReaderAt, size int64, sums []uint32) error {
	b := make([]byte, chunk)
	for i, off := 0, int64(0); off < size; i, off = i+1, off+chunk {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		b = b[:min(chunk, size-off)]
		if err := readAt(r, b, off); err != nil {
			return fmt.Errorf("%s: reading back what was written: %w", name, err)
		}
		if crc32.Checksum(b, castagnoli) != sums[i] {
			return fmt.Errorf("%s: other bytes at %d than were written: the disk or its memory is faulty", name, off)
		}
	}
	return nil
}
