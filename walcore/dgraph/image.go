package dgraph

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/walfs/walfs/meta"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
	"go.etcd.io/raft/v3/raftpb"
)

// Image gives the directory's own files as of the reader's moment: a directory that a
// node can be started on. Log files end with their last payload, what Recovery removes
// or drops is not in it, later files are not there, and wal.meta says what it said. Of
// a log file the slots are in memory, of wal.meta and KEYREGISTRY all that is in use.
// Payloads are read when they are asked for, and then compared with what was listed.
//
// A gap between two payloads keeps its bytes: they show that emptying has left it, or a
// rewrite, and not that a length or an offset is damaged.
//
// Image fails with ErrChanged if a writer was at work while the reader looked at the
// directory, so that what it saw was never there all at one moment: Refresh, and ask
// again. It fails with ErrDamaged where a node could not start, or would lose entries.
// ReadAt of a file fails with ErrChanged for what the writer has destroyed since. It
// fails with ErrDamaged for a payload whose checksum is wrong.
func (r *Reader) Image() ([]walcore.NativeFile, error) {
	recovery, err := r.Recovery()
	if err != nil {
		return nil, err
	}
	if err := r.spoiled(recovery); err != nil {
		return nil, err
	}
	snapshot, err := r.storedSnapshot()
	if err != nil {
		return nil, err
	}
	hard, err := r.oneMoment(recovery)
	if err != nil {
		return nil, err
	}
	head := slices.Clone(r.meta.Head())
	if hard.GetTerm() != r.meta.HardState.GetTerm() || hard.GetVote() != r.meta.HardState.GetVote() {
		later := meta.EncodeHardState(hard.GetTerm(), hard.GetVote(), r.meta.HardState.GetCommit())
		clear(head[meta.HardStateAt:meta.SnapshotIndexAt])
		copy(head[later.At:], later.Bytes)
	}
	files := []walcore.NativeFile{heldFile{append(head, snapshot...), r.metaFile.Attr.Size}.native(r.metaFile)}
	if n := findNative(r.native, format.KeyRegistryName); n != nil {
		b, err := r.registryBytes(n)
		if err != nil {
			return nil, err
		}
		files = append(files, heldFile{b, n.Attr.Size}.native(n))
	}
	for _, k := range recovery.Files {
		files = append(files, newImageFile(k).native())
	}
	slices.SortFunc(files, func(a, b walcore.NativeFile) int { return strings.Compare(a.Name, b.Name) })
	return files, nil
}

// spoiled says why a copy would be damaged, if it would. What is wrong with the keys is
// no reason: a copy has the same payloads, to be read by whoever finds the key.
func (r *Reader) spoiled(rec *Recovery) error {
	if r.metaFile == nil {
		return r.noImage(walcore.FileProblem(format.MetaName, walcore.KindMeta, "is missing"))
	}
	for _, p := range r.Problems() {
		switch p.Kind {
		case walcore.KindNoKey, walcore.KindKeyErased, walcore.KindDataKey, walcore.KindKeyRegistry,
			walcore.KindNotAFile, walcore.KindFileSystem:
		case walcore.KindHardState: // see oneMoment
		default:
			if !rec.mends(p) {
				return r.noImage(p)
			}
		}
	}
	for _, k := range rec.Files {
		if k.whole && k.dropped == nil {
			continue
		}
		for i := range k.Slots {
			if _, whole := k.size(i); !whole {
				return r.noImage(walcore.SlotProblem(k.Name, i, walcore.KindLength, "its payload is not known").OfEntry(k.Index(i)))
			}
		}
	}
	return nil
}

// mends reports whether the slots or the file that a problem is about are not kept.
func (rec *Recovery) mends(p walcore.Problem) bool {
	if slices.ContainsFunc(rec.Removed, func(removed walcore.Problem) bool { return removed.File == p.File }) {
		return true
	}
	i := slices.IndexFunc(rec.Files, func(k KeptFile) bool { return k.Name == p.File })
	return i >= 0 && p.Slot >= rec.Files[i].Slots
}

func (r *Reader) noImage(p walcore.Problem) error {
	return fmt.Errorf("%v: %w; walfs repair %s OUT makes a directory that starts, cp -a --sparse=always keeps the damage as it is",
		p, walcore.ErrDamaged, r.follower.path)
}

// oneMoment fails with ErrChanged unless all that was read was there at one moment.
// wal.meta was read before the slots. It is read again here, and after that, the last
// slot of each file: a rewrite that any file has seen would have replaced it. So all
// slots were there when wal.meta was read for the second time.
//
// If wal.meta says the same then, but for the commit index and the checkpoint, it is what
// it said before: the entries that were added since are more than it speaks of. If the
// term or the vote is another one, they are taken from the second time, since some of
// the entries may be of that term; a node may know a term of which it has no entry. The
// hard state that it gives has them.
func (r *Reader) oneMoment(rec *Recovery) (*raftpb.HardState, error) {
	now, err := r.metaAgain()
	if err != nil || !sameNode(now, r.meta) {
		return nil, changedSince(format.MetaName)
	}
	term := *now.SnapshotTerm
	for _, k := range rec.Files {
		if !r.stillThere(k) {
			return nil, changedSince(k.Name)
		}
		term = max(term, k.Term(k.Slots-1))
	}
	if hard := now.HardState.GetTerm(); hard < term && !r.neverVoted(term) {
		return nil, r.noImage(walcore.FileProblem(format.MetaName, walcore.KindHardState, fmt.Sprintf(
			"the hard state's term is %d, below the log's, %d", hard, term)).At(meta.HardStateAt))
	}
	return now.HardState, nil
}

// metaAgain reads wal.meta until it reads the same twice.
func (r *Reader) metaAgain() (*meta.Meta, error) {
	for range maxRetries {
		m, err := meta.Read(r.metaFile.f, r.metaFile.Attr.Size)
		if err != nil {
			return nil, err
		}
		if same, err := m.Same(r.metaFile.f); err != nil || same {
			return m, err
		}
	}
	return nil, walcore.ErrChanged
}

// stillThere reports whether a log file has all slots that were listed, in the file that
// has its name.
func (r *Reader) stillThere(k KeptFile) bool {
	same, err := k.firstDifference(k.f, k.Slots-1, k.Slots)
	if k.mixed || err != nil || same < k.Slots {
		return false
	}
	header, err := readKeyHeader(k.f, k.Attr.Size)
	if err != nil || header != k.Header {
		return false
	}
	attr, err := r.follower.dir.StatIn(k.Name)
	return err == nil && attr.Same(k.Attr)
}

func changedSince(name string) error { return walcore.FileError(name, walcore.ErrChanged) }

// sameNode reports whether two states of wal.meta are of the same node, with the same
// snapshot. The hard state and the checkpoint may differ.
func sameNode(a, b *meta.Meta) bool {
	if len(a.Faults)+len(b.Faults) > 0 {
		return false
	}
	index, term := a.Emptying()
	index2, term2 := b.Emptying()
	return *a.RaftID == *b.RaftID && *a.GroupID == *b.GroupID && index == index2 && term == term2 &&
		*a.SnapshotIndex == *b.SnapshotIndex && *a.SnapshotTerm == *b.SnapshotTerm
}

// heldFile is the first bytes of a file, in memory. All others are zero.
type heldFile struct {
	bytes []byte
	size  int64
}

func (h heldFile) native(of *nativeFile) walcore.NativeFile {
	attr := of.Attr
	attr.Blocks = blocks(int64(len(h.bytes)))
	return walcore.NativeFile{Name: of.Name, Attr: attr, ReaderAt: h}
}

// storedSnapshot is the snapshot as it is stored, if there is one. A writer stores the
// next one in its place.
func (r *Reader) storedSnapshot() ([]byte, error) {
	s := r.meta.Snapshot
	if s == nil {
		return nil, nil
	}
	b := make([]byte, s.Size)
	if err := readFull(r.metaFile, b, s.At); err != nil {
		return nil, err
	}
	if same, err := r.meta.SameSnapshot(r.metaFile); err != nil || !same {
		return nil, changedSince(format.MetaName)
	}
	return b, nil
}

func (r *Reader) registryBytes(n *nativeFile) ([]byte, error) {
	if n.Attr.Size > format.MaxRegistry {
		return nil, r.noImage(walcore.FileProblem(n.Name, walcore.KindKeyRegistry, fmt.Sprintf("%d bytes are no key registry", n.Attr.Size)))
	}
	b := make([]byte, n.Attr.Size)
	return b, readFull(n, b, 0)
}

// ReadAt reads as io.ReaderAt says.
func (h heldFile) ReadAt(p []byte, off int64) (int, error) {
	part, end := within(p, off, h.size)
	clear(part)
	if off < int64(len(h.bytes)) {
		copy(part, h.bytes[off:])
	}
	return len(part), end
}

// NextData says where the file's data are.
func (h heldFile) NextData(off int64) (from, to int64, found bool) {
	return off, int64(len(h.bytes)), off < int64(len(h.bytes))
}

// within is as much of p as a file of some size has from off on, and what a read there
// ends with.
func within(p []byte, off, size int64) ([]byte, error) {
	if n := max(size-off, 0); int64(len(p)) > n {
		return p[:n], io.EOF
	}
	return p, nil
}

// blocks is what data of some size take on disk, in blocks of 512 bytes.
func blocks(size int64) int64 { return (size + pageSize - 1) / pageSize * (pageSize / 512) }

const pageSize = 4096
