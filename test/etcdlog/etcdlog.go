// Package etcdlog writes directories of etcd's for tests and benchmarks: any entries, sound
// or not, as etcd writes them, and one after the other, so that a test can follow them. It
// shares no code with walcore/etcd, so that a test finds a fault in the reader.
//
//	w, err := etcdlog.Create(dir, etcdlog.Options{})
//	…
//	err = w.Append(etcdlog.Entry{Term: 1, Index: 1, Data: data})
//	err = w.State(1, 1, 1)
package etcdlog

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"

	"google.golang.org/protobuf/encoding/protowire"
)

// Entry is an entry as it is stored.
type Entry struct {
	Term, Index uint64
	Type        uint64
	Data        []byte
}

// Options say how a directory is written.
type Options struct {
	Node, Cluster uint64 // 0: 1 and 2
	// SegmentSize is how long segments are made; one is full when it is longer than that.
	// 0: 64 MB.
	SegmentSize int64
}

// Writer writes a data directory.
type Writer struct {
	dir   string
	opts  Options
	file  *os.File
	seq   uint64
	sum   uint32
	last  uint64 // the index that was written last
	state []byte // the last hard state
	end   int64  // where the next frame begins
	buf   []byte // what is yet to be written there
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Create makes a data directory.
func Create(dir string, o Options) (*Writer, error) {
	o.Node, o.Cluster = cmp.Or(o.Node, 1), cmp.Or(o.Cluster, 2)
	o.SegmentSize = cmp.Or(o.SegmentSize, 64_000_000)
	w := &Writer{dir: dir, opts: o}
	for _, sub := range []string{"member/wal", "member/snap"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return nil, err
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "member/snap/db"), make([]byte, 4096), 0o600); err != nil {
		return nil, err
	}
	if err := w.begin(); err != nil {
		return nil, err
	}
	w.record(5, numbers(0, 0))
	return w, w.Flush()
}

// Path is the segment that is written to.
func (w *Writer) Path() string { return w.segment(w.seq) }

// Segment finds the path of a segment by its number.
func (w *Writer) segment(seq uint64) string {
	found, _ := filepath.Glob(filepath.Join(w.dir, "member/wal", fmt.Sprintf("%016x-*.wal", seq)))
	if len(found) == 0 {
		return ""
	}
	return found[0]
}

// End is where the next frame will begin in it.
func (w *Writer) End() int64 { return w.end }

// begin makes a segment: under another name at first, as etcd does.
func (w *Writer) begin() (err error) {
	tmp := filepath.Join(w.dir, "member/wal", "0.tmp")
	if w.file, err = os.OpenFile(tmp, os.O_CREATE|os.O_RDWR|os.O_EXCL, 0o600); err != nil {
		return err
	}
	if err := w.file.Truncate(w.opts.SegmentSize); err != nil {
		return err
	}
	w.end = 0
	w.buf = appendFrame(w.buf, 4, w.sum, nil)
	w.record(1, numbers(w.opts.Node, w.opts.Cluster))
	if w.state != nil {
		w.record(3, w.state)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	next := uint64(0)
	if w.seq > 0 {
		next = w.last + 1
	}
	return os.Rename(tmp, filepath.Join(w.dir, "member/wal", fmt.Sprintf("%016x-%016x.wal", w.seq, next)))
}

// Cut begins the next segment.
func (w *Writer) Cut() error {
	if err := w.file.Truncate(w.end); err != nil {
		return err
	}
	if err := w.file.Close(); err != nil {
		return err
	}
	w.seq++
	return w.begin()
}

// record adds a record to what is yet to be written.
func (w *Writer) record(typ uint64, data []byte) {
	w.sum = crc32.Update(w.sum, castagnoli, data)
	w.buf = appendFrame(w.buf, typ, w.sum, data)
}

// Flush writes what is yet to be written.
func (w *Writer) Flush() error {
	_, err := w.file.WriteAt(w.buf, w.end)
	w.end += int64(len(w.buf))
	w.buf = w.buf[:0]
	return err
}

// Frames is what Append would write, for a test that writes a part of it. The writer goes on
// as if all were written.
func (w *Writer) Frames(entries ...Entry) []byte {
	for _, e := range entries {
		w.record(2, AppendEntry(nil, e))
		w.last = e.Index
	}
	b := w.buf
	w.buf = nil
	w.end += int64(len(b))
	return b
}

// Append writes entries, and begins a segment when one is full.
func (w *Writer) Append(entries ...Entry) error {
	for _, e := range entries {
		w.record(2, AppendEntry(nil, e))
		w.last = e.Index
	}
	if w.end+int64(len(w.buf)) > w.opts.SegmentSize {
		if err := w.Flush(); err != nil {
			return err
		}
		return w.Cut()
	}
	return w.Flush()
}

// State writes a hard state.
func (w *Writer) State(term, vote, commit uint64) error {
	w.state = numbers(term, vote, commit)
	w.record(3, w.state)
	return w.Flush()
}

// Snapshot writes a snapshot's file, and then the record that names it.
func (w *Writer) Snapshot(term, index uint64, data []byte, voters ...uint64) error {
	if err := os.WriteFile(w.SnapshotPath(term, index), SnapshotFile(term, index, data, voters...), 0o600); err != nil {
		return err
	}
	return w.NameSnapshot(term, index)
}

// NameSnapshot writes the record alone.
func (w *Writer) NameSnapshot(term, index uint64) error {
	w.record(5, numbers(index, term))
	w.last = max(w.last, index)
	return w.Flush()
}

// SnapshotPath is where the file of a snapshot is.
func (w *Writer) SnapshotPath(term, index uint64) string {
	return filepath.Join(w.dir, "member/snap", fmt.Sprintf("%016x-%016x.snap", term, index))
}

// Purge deletes a segment.
func (w *Writer) Purge(seq uint64) error { return os.Remove(w.segment(seq)) }

// Close closes the segment that is written to.
func (w *Writer) Close() error { return w.file.Close() }

// appendFrame appends a frame.
func appendFrame(b []byte, typ uint64, sum uint32, data []byte) []byte {
	at := len(b)
	b = append(b, make([]byte, 8)...)
	b = protowire.AppendVarint(protowire.AppendTag(b, 1, protowire.VarintType), typ)
	b = protowire.AppendVarint(protowire.AppendTag(b, 2, protowire.VarintType), uint64(sum))
	if data != nil {
		b = protowire.AppendBytes(protowire.AppendTag(b, 3, protowire.BytesType), data)
	}
	length := uint64(len(b) - at - 8)
	if padding := -length % 8; padding != 0 {
		length |= (0x80 | padding) << 56
		b = append(b, make([]byte, padding)...)
	}
	binary.LittleEndian.PutUint64(b[at:], length)
	return b
}

// AppendEntry appends a raftpb.Entry.
func AppendEntry(b []byte, e Entry) []byte {
	for i, v := range []uint64{e.Type, e.Term, e.Index} {
		b = protowire.AppendVarint(protowire.AppendTag(b, protowire.Number(i+1), protowire.VarintType), v)
	}
	if e.Data != nil {
		b = protowire.AppendBytes(protowire.AppendTag(b, 4, protowire.BytesType), e.Data)
	}
	return b
}

// SnapshotFile is what a snapshot's file holds.
func SnapshotFile(term, index uint64, data []byte, voters ...uint64) []byte {
	var state, metadata, snapshot, file []byte
	for _, v := range voters {
		state = protowire.AppendVarint(protowire.AppendTag(state, 1, protowire.VarintType), v)
	}
	metadata = protowire.AppendBytes(protowire.AppendTag(metadata, 1, protowire.BytesType), state)
	metadata = protowire.AppendVarint(protowire.AppendTag(metadata, 2, protowire.VarintType), index)
	metadata = protowire.AppendVarint(protowire.AppendTag(metadata, 3, protowire.VarintType), term)
	snapshot = protowire.AppendBytes(protowire.AppendTag(snapshot, 1, protowire.BytesType), data)
	snapshot = protowire.AppendBytes(protowire.AppendTag(snapshot, 2, protowire.BytesType), metadata)
	file = protowire.AppendVarint(protowire.AppendTag(file, 1, protowire.VarintType), uint64(crc32.Checksum(snapshot, castagnoli)))
	return protowire.AppendBytes(protowire.AppendTag(file, 2, protowire.BytesType), snapshot)
}

// numbers is a message whose fields are numbers.
func numbers(values ...uint64) (b []byte) {
	for i, v := range values {
		b = protowire.AppendVarint(protowire.AppendTag(b, protowire.Number(i+1), protowire.VarintType), v)
	}
	return b
}
