// Package nativelog writes Raft directories for tests and benchmarks: any entries,
// sound or not, in the layout that Dgraph uses. It shares no code with walcore, so
// that a test finds a fault in the reader's layout. Files are sparse.
//
//	err := nativelog.Write(dir, nativelog.Meta{Commit: 2}, slices.Values(entries))
package nativelog

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// Entry is an entry as it is stored. Data may be used again once the next entry
// is asked for.
type Entry struct {
	Term, Index uint64
	Type        uint32
	Data        []byte
}

// Meta is the content of wal.meta.
type Meta struct {
	RaftID, GroupID    uint64
	Checkpoint         uint64
	Term, Vote, Commit uint64
	Snapshot           *raftpb.Snapshot // nil: none
}

const (
	perFile   = 30000
	slotSize  = 32
	payloadAt = 1 << 20
	fileSize  = 256 << 20 // of the last file; the others are cut to their payloads
	metaSize  = 1 << 20
)

// Write makes dir and in it wal.meta and the log files.
func Write(dir string, m Meta, entries iter.Seq[Entry]) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := writeMeta(dir, m); err != nil {
		return err
	}
	next, stop := iter.Pull(entries)
	defer stop()
	e, ok := next()
	for id := 1; ok || id == 1; id++ {
		f, err := os.Create(filepath.Join(dir, fmt.Sprintf("%05d.wal", id)))
		if err != nil {
			return err
		}
		w := newFile(f)
		for ; ok && len(w.table) < perFile*slotSize; e, ok = next() {
			w.add(e)
		}
		if err := w.close(!ok); err != nil {
			return err
		}
	}
	return nil
}

// file is a log file being written.
type file struct {
	f     *os.File
	table []byte
	out   *bufio.Writer // of payloads; it keeps the first error
	at    int64         // offset of the next payload
}

func newFile(f *os.File) *file {
	return &file{f: f, out: bufio.NewWriterSize(io.NewOffsetWriter(f, payloadAt), 1<<20), at: payloadAt}
}

func (w *file) add(e Entry) {
	for _, n := range []uint64{e.Term, e.Index, uint64(w.at), uint64(e.Type)} {
		w.table = binary.BigEndian.AppendUint64(w.table, n)
	}
	w.out.Write(binary.BigEndian.AppendUint32(nil, uint32(len(e.Data))))
	w.out.Write(e.Data)
	w.at += 4 + int64(len(e.Data))
}

func (w *file) close(last bool) error {
	defer w.f.Close()
	if err := w.out.Flush(); err != nil {
		return err
	}
	if _, err := w.f.WriteAt(w.table, 0); err != nil {
		return err
	}
	size := w.at
	if last {
		size = max(size, fileSize)
	}
	return w.f.Truncate(size)
}

func writeMeta(dir string, m Meta) error {
	b := make([]byte, metaSize)
	binary.BigEndian.PutUint64(b, m.RaftID)
	binary.BigEndian.PutUint64(b[8:], m.GroupID)
	binary.BigEndian.PutUint64(b[16:], m.Checkpoint)
	hs, err := proto.Marshal(&raftpb.HardState{Term: &m.Term, Vote: &m.Vote, Commit: &m.Commit})
	if err != nil {
		return err
	}
	binary.BigEndian.PutUint32(b[512:], uint32(len(hs)))
	copy(b[516:], hs)
	if m.Snapshot != nil {
		s, err := proto.Marshal(m.Snapshot)
		if err != nil {
			return err
		}
		binary.BigEndian.PutUint64(b[1024:], m.Snapshot.GetMetadata().GetIndex())
		binary.BigEndian.PutUint64(b[1032:], m.Snapshot.GetMetadata().GetTerm())
		binary.BigEndian.PutUint32(b[1040:], uint32(len(s)))
		if n := copy(b[1044:], s); n < len(s) {
			return fmt.Errorf("a snapshot of %d bytes does not fit", len(s))
		}
	}
	return os.WriteFile(filepath.Join(dir, "wal.meta"), b, 0o600)
}

// Temp writes a directory into a new temporary folder, for examples. It panics if it
// cannot. Remove removes it.
func Temp(m Meta, entries ...Entry) (dir string) {
	parent, err := os.MkdirTemp("", "nativelog-")
	if err == nil {
		dir = filepath.Join(parent, "w")
		err = Write(dir, m, slices.Values(entries))
	}
	if err != nil {
		panic(err)
	}
	return dir
}

// Remove removes a directory of Temp's.
func Remove(dir string) { os.RemoveAll(filepath.Dir(dir)) }
