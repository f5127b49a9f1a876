package bolt

import (
	"encoding/binary"
	"io"
	"syscall"
	"testing"

	"github.com/walfs/walfs/test/fixture"
)

// badSector is a file that gives nothing of a read that touches some bytes.
type badSector struct {
	io.ReaderAt
	from, to int64
}

func (f *badSector) ReadAt(p []byte, off int64) (int, error) {
	if off < f.to && off+int64(len(p)) > f.from {
		return 0, syscall.EIO
	}
	return f.ReaderAt.ReadAt(p, off)
}

// counting counts keys.
type counting struct {
	read  int
	total *int
}

func (c *counting) Read(p Page, from int) { c.read += p.Count - from }

func (c *counting) Take() error {
	*c.total += c.read
	c.Drop()
	return nil
}

func (c *counting) Drop() { c.read = 0 }

// TestBadSector: of leaves that are read ahead, only the one that cannot be read is lost.
func TestBadSector(t *testing.T) {
	v := &values{}
	for i := range 4000 {
		v.keys, v.values = append(v.keys, binary.BigEndian.AppendUint64(nil, uint64(i))), append(v.values, make([]byte, 80))
	}
	built := Build(1<<10, []Bucket{{"logs", v}})
	for at := int64(40 << 10); at < 60<<10; at += 3 << 10 {
		db := dbOf(t, built)
		db.File = &badSector{built, at + 300, at + 400}
		bucket, err := db.Bucket("logs")
		fixture.Must(t, err)
		for _, ahead := range []bool{false, true} {
			keys, broken := 0, 0
			one := &counting{total: &keys}
			visitor := Visitor{
				Leaf: func(p Page, i int) error {
					one.Read(p, i)
					return one.Take()
				},
				Broken: func(_, _ []byte, err error) error {
					broken++
					return nil
				},
			}
			if ahead {
				visitor.Ahead = func() Leaves { return &counting{total: &keys} }
			}
			fixture.Must(t, bucket.Walk(nil, visitor))
			if broken != 1 || keys < 3985 || keys == 4000 {
				t.Errorf("page %d, ahead %v: %d keys, %d pages are broken", at>>10, ahead, keys, broken)
			}
		}
	}
}
