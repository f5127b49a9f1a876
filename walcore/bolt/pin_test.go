package bolt

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/walfs/walfs/test/fixture"
)

// busyDB is a database that gets a newer transaction with every so many reads. A transaction
// moves some leaves to free pages, and writes over those that the one before the last had.
type busyDB struct {
	b                 []byte
	every, reads, txs int
	rng               *rand.Rand
	leaves            []uint64 // of the bucket
	free, freed       []uint64
	branch, root      uint64
}

const busyPage = 4096

// stride is how many pages lie between nodes: few are read with one chunk.
const stride = 16

// newBusyDB has leaves of one key each, some of which take two pages.
func newBusyDB(every int) *busyDB {
	d := &busyDB{every: every, rng: rand.New(rand.NewPCG(3, uint64(every)))}
	const n = 120
	d.b = make([]byte, 2*n*stride*busyPage)
	next := uint64(8)
	for range n {
		d.leaves = append(d.leaves, next)
		next += stride
	}
	for ; next < uint64(len(d.b)/busyPage); next += stride {
		d.free = append(d.free, next)
	}
	d.txs = 2
	for i, id := range d.leaves {
		d.writeLeaf(i, id)
	}
	d.branch, d.root, d.free = d.free[0], d.free[1], d.free[2:]
	d.commit()
	d.commit()
	return d
}

func (d *busyDB) pagesOf(i int) uint64 { return uint64(1 + i%2) }

func (d *busyDB) writeLeaf(i int, id uint64) {
	value := bytes.Repeat([]byte(fmt.Sprintf("leaf %d, transaction %d ", i, d.txs)), 40)
	if d.pagesOf(i) == 2 {
		value = append(value, make([]byte, busyPage)...)
	}
	p := addElement(newPage(id, leafFlag, 1), 0, [4]uint32{0, 0, 8, uint32(len(value))}, binary.BigEndian.AppendUint64(nil, uint64(i)), value)
	binary.LittleEndian.PutUint32(p[12:], uint32(d.pagesOf(i)-1))
	copy(d.b[id*busyPage:], p)
}

// commit writes a transaction.
func (d *busyDB) commit() {
	le := binary.LittleEndian
	d.txs++
	take := func() (id uint64) {
		k := d.rng.IntN(len(d.free))
		id = d.free[k]
		d.free = append(d.free[:k], d.free[k+1:]...)
		return id
	}
	usable := d.freed
	d.freed = nil
	for range 3 {
		i := d.rng.IntN(len(d.leaves))
		d.freed = append(d.freed, d.leaves[i])
		d.leaves[i] = take()
		d.writeLeaf(i, d.leaves[i])
	}
	d.freed = append(d.freed, d.branch, d.root)
	d.branch, d.root = take(), take()
	branch := newPage(d.branch, branchFlag, len(d.leaves))
	for i, id := range d.leaves {
		branch = addElement(branch, i, [4]uint32{0, 8, uint32(id), 0}, binary.BigEndian.AppendUint64(nil, uint64(i)), nil)
	}
	copy(d.b[d.branch*busyPage:], branch)
	bucket := append(le.AppendUint64(nil, d.branch), make([]byte, 8)...)
	copy(d.b[d.root*busyPage:], addElement(newPage(d.root, leafFlag, 1), 0, [4]uint32{bucketFlag, 0, 3, 16}, []byte("key"), bucket))
	m := newPage(uint64(d.txs%2), metaFlag, 0)
	for _, v := range []uint32{magic, version, busyPage, 0} {
		m = le.AppendUint32(m, v)
	}
	for _, v := range []uint64{d.root, 0, noFreelist, uint64(len(d.b) / busyPage), uint64(d.txs)} {
		m = le.AppendUint64(m, v)
	}
	h := fnv.New64a()
	h.Write(m[pageHeader:])
	copy(d.b[d.txs%2*busyPage:], le.AppendUint64(m, h.Sum64()))
	// What the transaction before this one has freed, this one can write over.
	d.free = append(d.free, usable...)
	for _, id := range usable {
		copy(d.b[id*busyPage:], bytes.Repeat([]byte{0xee}, 2*busyPage))
	}
}

func (d *busyDB) ReadAt(p []byte, off int64) (int, error) {
	n, err := bytes.NewReader(d.b).ReadAt(p, off)
	if d.reads++; d.reads%d.every == 0 {
		d.commit()
	}
	return n, err
}

// memory is a file in memory.
type memory struct{ b []byte }

func (m *memory) WriteAt(p []byte, off int64) (int, error) {
	if more := int(off) + len(p) - len(m.b); more > 0 {
		m.b = append(m.b, make([]byte, more)...)
	}
	return copy(m.b[off:], p), nil
}

func (m *memory) ReadAt(p []byte, off int64) (int, error) { return bytes.NewReader(m.b).ReadAt(p, off) }

func (m *memory) Truncate(size int64) error {
	m.b = append(m.b, make([]byte, max(size-int64(len(m.b)), 0))...)[:size]
	return nil
}

// TestPin: a database that never stays the same for as long as it takes to read it is copied
// all the same, as it was at one transaction.
func TestPin(t *testing.T) {
	for _, every := range []int{22, 27, 1000} {
		d := newBusyDB(every)
		before := d.txs
		states := map[uint64][]byte{}
		to := &memory{}
		i, err := Pin(t.Context(), readsOf(func(p []byte, off int64) (int, error) {
			n, err := d.ReadAt(p, off)
			if states[uint64(d.txs)] == nil {
				states[uint64(d.txs)] = contents(t, d.b)
			}
			return n, err
		}), to)
		fixture.Must(t, err)
		whole, err := io.ReadAll(io.NewSectionReader(i, 0, i.Size()))
		fixture.Must(t, err)
		if want := states[i.db.TxID]; want == nil || !bytes.Equal(contents(t, whole), want) {
			t.Errorf("a transaction every %d reads: the copy of transaction %d is another one", every, i.db.TxID)
		}
		if every < 100 && d.txs-before < 2 {
			t.Errorf("only %d transactions while it was copied", d.txs-before)
		}
		fixture.Must(t, i.DB().Check(i.Size()))
	}
}

type readsOf func(p []byte, off int64) (int, error)

func (r readsOf) ReadAt(p []byte, off int64) (int, error) { return r(p, off) }

// contents are all keys and values.
func contents(t *testing.T, file []byte) (all []byte) {
	t.Helper()
	m, _, err := ReadMeta(bytes.NewReader(file))
	fixture.Must(t, err)
	db := &DB{File: bytes.NewReader(file), Meta: m}
	bucket, err := db.Bucket("key")
	fixture.Must(t, err)
	fixture.Must(t, bucket.Walk(nil, Visitor{Leaf: func(p Page, i int) error {
		for ; i < p.Count; i++ {
			_, value, _ := p.Element(i)
			all = append(append(all, p.Key(i)...), value...)
		}
		return nil
	}, Broken: func(_, _ []byte, err error) error { return err }}))
	return all
}
