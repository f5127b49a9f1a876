package storage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"

	"go.etcd.io/raft/v3/raftpb"
	"golang.org/x/sys/unix"
)

// dgraph appends and reads in Dgraph's way and in its format, and does nothing else
// that a storage needs. It keeps its files mapped and writes to the mapping: slots
// field by field, then the hard state. Like Dgraph it searches for the slot of the
// first new index, finds the offset from the entry before, zeroes 1 MiB of a new file,
// and flushes a full one.
//
// Dgraph's own package is not used: it needs the configuration, flags and metrics of a
// Dgraph server.
const (
	dgraphFileSize  = 256 << 20
	dgraphMetaSize  = 1 << 20
	dgraphSlots     = 30000
	dgraphSlotSize  = 32
	dgraphPayloadAt = 1 << 20
)

type dgraph struct {
	dir   string
	sync  bool
	meta  *mapping
	files []*mapping // by first index; the last is written
	next  int        // slot in it
}

// Sync: an append returns after an msync of wal.meta and one of the log file.
// wal.meta comes first: after power loss a commit index can be beyond the log.
func openDgraphSync(dir string) (log, error) { return openDgraph(dir, true) }

// NoSync: an append returns when it has written to the mapping.
func openDgraphNoSync(dir string) (log, error) { return openDgraph(dir, false) }

func openDgraph(dir string, sync bool) (_ log, err error) {
	l := &dgraph{dir: dir, sync: sync}
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	if l.meta, err = openMapping(filepath.Join(dir, "wal.meta"), dgraphMetaSize); err != nil {
		return nil, err
	}
	names, err := filepath.Glob(filepath.Join(dir, "*.wal"))
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		m, err := openMapping(name, dgraphFileSize)
		if err != nil {
			return nil, err
		}
		l.files = append(l.files, m)
	}
	if len(l.files) == 0 {
		return l, l.add()
	}
	sort.Slice(l.files, func(i, j int) bool { return l.files[i].index(0) < l.files[j].index(0) })
	last := l.last()
	l.next = sort.Search(dgraphSlots, func(i int) bool { return last.index(i) == 0 })
	return l, nil
}

// add starts a log file.
func (l *dgraph) add() error {
	m, err := openMapping(filepath.Join(l.dir, fmt.Sprintf("%05d.wal", len(l.files)+1)), dgraphFileSize)
	if err != nil {
		return err
	}
	clear(m.data[:dgraphPayloadAt])
	l.files, l.next = append(l.files, m), 0
	return nil
}

func (l *dgraph) last() *mapping { return l.files[len(l.files)-1] }

func (l *dgraph) batch(n, size int) (func(uint64) error, error) {
	entries, number := raftEntries(n, size)
	return func(first uint64) error {
		number(first)
		return l.save(hardState(first-1), entries)
	}, nil
}

func (l *dgraph) save(hs *raftpb.HardState, entries []*raftpb.Entry) error {
	m := l.last()
	if i := m.slotGe(entries[0].GetIndex()); i >= 0 && i < l.next {
		return errors.New("the baseline does not overwrite entries")
	}
	offset := dgraphPayloadAt
	if l.next > 0 {
		offset = m.end(l.next - 1)
	}
	for _, e := range entries {
		if l.next >= dgraphSlots {
			// Cutting a mapped file flushes it first.
			if err := errors.Join(m.sync(), m.cut(offset), l.add()); err != nil {
				return err
			}
			m, offset = l.last(), dgraphPayloadAt
		}
		if offset+4+len(e.Data) > len(m.data) {
			return errors.New("the baseline does not grow files: no benchmark needs it")
		}
		binary.BigEndian.PutUint32(m.data[offset:], uint32(len(e.Data)))
		copy(m.data[offset+4:], e.Data)
		slot := m.slot(l.next)
		binary.BigEndian.PutUint64(slot, e.GetTerm())
		binary.BigEndian.PutUint64(slot[8:], e.GetIndex())
		binary.BigEndian.PutUint64(slot[16:], uint64(offset))
		binary.BigEndian.PutUint64(slot[24:], uint64(e.GetType()))
		offset += 4 + len(e.Data)
		l.next++
	}
	l.storeHardState(hs)
	if !l.sync {
		return nil
	}
	return errors.Join(l.meta.sync(), l.last().sync())
}

// storeHardState writes the hard state's protobuf message. Like Dgraph's older encoder
// it always writes all three fields.
func (l *dgraph) storeHardState(hs *raftpb.HardState) {
	b := l.meta.data[512+4 : 512+4 : 1024]
	b = binary.AppendUvarint(append(b, 0x08), hs.GetTerm())
	b = binary.AppendUvarint(append(b, 0x10), hs.GetVote())
	b = binary.AppendUvarint(append(b, 0x18), hs.GetCommit())
	binary.BigEndian.PutUint32(l.meta.data[512:], uint32(len(b)))
}

func (l *dgraph) read(lo, hi uint64, visit func(uint64, []byte)) error {
	for _, e := range l.entries(lo, hi) {
		visit(e.GetIndex(), e.GetData())
	}
	return nil
}

// entries gives copies: a compaction may unmap the file while Raft still holds
// them.
func (l *dgraph) entries(lo, hi uint64) (entries []*raftpb.Entry) {
	k := sort.Search(len(l.files), func(k int) bool { return l.files[k].index(0) > lo }) - 1
	i := l.files[k].slotGe(lo)
	for lo < hi && k < len(l.files) {
		if i >= dgraphSlots || l.files[k].index(i) == 0 {
			k, i = k+1, 0
			continue
		}
		m := l.files[k]
		term, index, offset := m.term(i), m.index(i), m.offset(i)
		e := &raftpb.Entry{Term: &term, Index: &index}
		e.Data = append(e.Data, m.data[offset+4:m.end(i)]...)
		entries = append(entries, e)
		i++
		lo++
	}
	return entries
}

func (l *dgraph) term(index uint64) (uint64, error) {
	for k := len(l.files) - 1; k >= 0; k-- {
		if i := l.files[k].slotGe(index); i >= 0 && i < dgraphSlots && l.files[k].index(i) == index {
			return l.files[k].term(i), nil
		}
	}
	return 0, fmt.Errorf("no entry %d", index)
}

func (l *dgraph) close() error {
	errs := []error{l.meta.close()}
	for _, m := range l.files {
		errs = append(errs, m.close())
	}
	return errors.Join(errs...)
}

// mapping is a file that is mapped to memory, shared and writable.
type mapping struct {
	f    *os.File
	data []byte
}

// openMapping maps a file; one that is empty or not there gets size bytes, all
// of them a hole.
func openMapping(name string, size int64) (*mapping, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	st, err := f.Stat()
	if err == nil && st.Size() > 0 {
		size = st.Size()
	} else if err == nil {
		err = f.Truncate(size)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	data, err := unix.Mmap(int(f.Fd()), 0, int(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &mapping{f, data}, nil
}

func (m *mapping) slot(i int) []byte {
	return m.data[i*dgraphSlotSize : (i+1)*dgraphSlotSize]
}

func (m *mapping) term(i int) uint64  { return binary.BigEndian.Uint64(m.slot(i)) }
func (m *mapping) index(i int) uint64 { return binary.BigEndian.Uint64(m.slot(i)[8:]) }
func (m *mapping) offset(i int) int   { return int(binary.BigEndian.Uint64(m.slot(i)[16:])) }

// end is where the slot's payload ends.
func (m *mapping) end(i int) int {
	at := m.offset(i)
	return at + 4 + int(binary.BigEndian.Uint32(m.data[at:]))
}

// slotGe is the first slot that is empty or has at least the given index. It is -1 if
// the file is empty, or if its first index is higher.
func (m *mapping) slotGe(index uint64) int {
	first := m.index(0)
	if first == 0 || index < first {
		return -1
	}
	if i := index - first; i < dgraphSlots && m.index(int(i)) == index {
		return int(i)
	}
	return sort.Search(dgraphSlots, func(i int) bool {
		return m.index(i) == 0 || m.index(i) >= index
	})
}

func (m *mapping) sync() error { return unix.Msync(m.data, unix.MS_SYNC) }

// cut shortens the file. The mapping stays, and nothing after the new end is used any
// more.
func (m *mapping) cut(size int) error { return m.f.Truncate(int64(size)) }

func (m *mapping) close() error {
	if m == nil {
		return nil
	}
	return errors.Join(m.sync(), unix.Munmap(m.data), m.f.Close())
}
