package bolt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
)

// databases are those of the fixtures: with a list of free pages, and without.
var databases = map[string]string{"etcd-small": "member/snap/db", "hashicorp-bolt-n2": "raft.db", "hashicorp-wal-n2": "wal/wal-meta.db"}

func openFixture(t *testing.T, name string) *os.File {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(fixture.Dir(t, name), databases[name]), os.O_RDWR, 0)
	fixture.Must(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}

func dbOf(t *testing.T, f io.ReaderAt) *DB {
	t.Helper()
	m, sound, err := ReadMeta(f)
	if err != nil || sound != 2 {
		t.Fatalf("%d meta pages, %v", sound, err)
	}
	return &DB{File: f, Meta: m}
}

// TestCheckFindsDamage: what bbolt has written is sound, and is not once a page says anything
// else of itself. Bytes of values are nobody's but the application's.
func TestCheckFindsDamage(t *testing.T) {
	for name := range databases {
		f := openFixture(t, name)
		st, err := f.Stat()
		fixture.Must(t, err)
		db := dbOf(t, f)
		if err := db.Check(st.Size()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := db.Check(int64(db.Pages)*db.PageSize - 1); !errors.Is(err, walcore.ErrDamaged) {
			t.Errorf("%s, cut: %v", name, err)
		}
		c := &checking{db, make([]uint64, db.Pages/64+1)}
		fixture.Must(t, c.bucket(&Tree{DB: db, root: db.Root}, 0))
		fixture.Must(t, c.freelist())
		for id := uint64(2); id < db.Pages; id++ {
			at := int64(id)*db.PageSize + 8 // flags and count
			was := make([]byte, 4)
			_, err := f.ReadAt(was, at)
			fixture.Must(t, err)
			_, err = f.WriteAt([]byte{was[0] ^ 0x40, was[1], was[2], was[3]}, at)
			fixture.Must(t, err)
			if err := dbOf(t, f).Check(st.Size()); c.isUsed(id) && !c.isOverflow(id) != errors.Is(err, walcore.ErrDamaged) {
				t.Errorf("%s: page %d: %v", name, id, err)
			}
			_, err = f.WriteAt(was, at)
			fixture.Must(t, err)
		}
	}
}

// isOverflow reports whether a page in use is one that another goes on to.
func (c *checking) isOverflow(id uint64) bool {
	for first := uint64(2); first < id; first++ {
		var b [16]byte
		c.db.File.ReadAt(b[:], int64(first)*c.db.PageSize)
		if c.isUsed(first) && binary.LittleEndian.Uint64(b[:]) == first && first+uint64(binary.LittleEndian.Uint32(b[12:])) >= id {
			return true
		}
	}
	return false
}

// TestFreePagesInUse: a list that says that a page in use is free is damage.
func TestFreePagesInUse(t *testing.T) {
	f := openFixture(t, "hashicorp-bolt-n2")
	db := dbOf(t, f)
	_, err := f.WriteAt(binary.LittleEndian.AppendUint64(nil, db.Root), int64(db.Freelist)*db.PageSize+pageHeader)
	fixture.Must(t, err)
	if err := db.Check(1 << 20); !errors.Is(err, walcore.ErrDamaged) {
		t.Error(err)
	}
}

// commit makes a file have a newer transaction, with the root of the one before.
func commit(t *testing.T, f *os.File) {
	t.Helper()
	db := dbOf(t, f)
	b := make([]byte, metaSize)
	_, err := f.ReadAt(b, int64(db.TxID%2)*db.PageSize)
	fixture.Must(t, err)
	next := db.TxID + 1
	binary.LittleEndian.PutUint64(b, next%2)
	binary.LittleEndian.PutUint64(b[pageHeader+48:], next)
	h := fnv.New64a()
	h.Write(b[pageHeader : pageHeader+56])
	binary.LittleEndian.PutUint64(b[pageHeader+56:], h.Sum64())
	_, err = f.WriteAt(b, int64(next%2)*db.PageSize)
	fixture.Must(t, err)
}

// TestImageOfOneTransaction: an image is the file, up to where its pages go. Once there is
// another transaction, reading pages fails, and the next image shares nothing with it.
func TestImageOfOneTransaction(t *testing.T) {
	f := openFixture(t, "etcd-small")
	image, err := NewImage(f)
	fixture.Must(t, err)
	read := func(i *Image) ([]byte, error) { return io.ReadAll(io.NewSectionReader(i, 0, 1<<40)) }
	got, err := read(image)
	fixture.Must(t, err)
	want := make([]byte, image.Size())
	_, err = f.ReadAt(want, 0)
	if fixture.Must(t, err); !bytes.Equal(got, want) {
		t.Error("other bytes")
	}
	again, err := NewImage(f)
	fixture.Must(t, err)
	if from, to := again.Same(image); from != 0 || to != image.Size() {
		t.Errorf("the same from %d to %d", from, to)
	}
	commit(t, f)
	if _, err := read(image); !errors.Is(err, walcore.ErrChanged) {
		t.Errorf("after a transaction: %v", err)
	}
	later, err := NewImage(f)
	fixture.Must(t, err)
	if from, to := later.Same(image); from < to {
		t.Errorf("the same from %d to %d", from, to)
	}
	_, err = read(later)
	fixture.Must(t, err)
}

// values are items for a test.
type values struct {
	keys, values [][]byte
	err          error
}

func (v *values) Len() int                    { return len(v.keys) }
func (v *values) Key(i int) []byte            { return v.keys[i] }
func (v *values) ValueSize(i int) int         { return len(v.values[i]) }
func (v *values) Value(i int) ([]byte, error) { return v.values[i], v.err }

// TestBuild: what is built is sound, has what went in, and reads the same in any pieces.
func TestBuild(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{0, 1, 2, 40, 3000} {
		v := &values{}
		for i := range n {
			v.keys = append(v.keys, binary.BigEndian.AppendUint64(nil, uint64(i*3)))
			size := rng.IntN(300)
			if i%500 == 7 {
				size = 1<<10 + rng.IntN(9000) // it goes on to other pages
			}
			v.values = append(v.values, bytes.Repeat([]byte{byte(i)}, size))
		}
		small := &values{keys: [][]byte{[]byte("a"), []byte("b")}, values: [][]byte{[]byte("one"), nil}}
		built := Build(1<<10, []Bucket{{"conf", small}, {"logs", v}})
		whole, err := io.ReadAll(io.NewSectionReader(built, 0, 1<<40))
		fixture.Must(t, err)
		if int64(len(whole)) != built.Size() {
			t.Errorf("%d bytes, want %d", len(whole), built.Size())
		}
		for range 200 {
			off := rng.Int64N(built.Size())
			p := make([]byte, min(rng.Int64N(5000), built.Size()-off))
			if _, err := built.ReadAt(p, off); err != nil || !bytes.Equal(p, whole[off:][:len(p)]) {
				t.Fatalf("%d bytes at %d are others, %v", len(p), off, err)
			}
		}
		db := dbOf(t, bytes.NewReader(whole))
		fixture.Must(t, db.Check(built.Size()))
		for name, want := range map[string]*values{"conf": small, "logs": v} {
			bucket, err := db.Bucket(name)
			fixture.Must(t, err)
			k := 0
			fixture.Must(t, bucket.Walk(nil, Visitor{Leaf: func(p Page, i int) error {
				for ; i < p.Count; i++ {
					_, value, _ := p.Element(i)
					if !bytes.Equal(p.Key(i), want.keys[k]) || !bytes.Equal(value, want.values[k]) {
						return fmt.Errorf("%s: item %d is another one", name, k)
					}
					k++
				}
				return nil
			}, Broken: func(_, _ []byte, err error) error { return err }}))
			if k != want.Len() {
				t.Errorf("%s: %d items, want %d", name, k, want.Len())
			}
		}
		if n == 0 {
			continue
		}
		v.err = walcore.ErrChanged
		if _, err := io.ReadAll(io.NewSectionReader(built, 0, 1<<40)); !errors.Is(err, walcore.ErrChanged) {
			t.Errorf("a value that cannot be read: %v", err)
		}
	}
}

// TestClaimedPages: a meta page whose sum is right may claim any number of pages. No room is
// made for pages that the file does not have.
func TestClaimedPages(t *testing.T) {
	for _, pages := range []uint64{1 << 20, 1 << 40, 1 << 51, 1<<64 - 1} {
		f := &memory{}
		for id := range uint64(2) {
			b := &Built{pageSize: 4096, pages: pages}
			_, err := f.WriteAt(b.meta(id), int64(id)*4096)
			fixture.Must(t, err)
		}
		fixture.Must(t, f.Truncate(1<<16))
		if _, err := NewImage(f); !errors.Is(err, walcore.ErrDamaged) {
			t.Errorf("%d pages: %v", pages, err)
		}
		if _, err := Pin(t.Context(), f, &memory{}); !errors.Is(err, walcore.ErrDamaged) {
			t.Errorf("%d pages, pinned: %v", pages, err)
		}
	}
}
