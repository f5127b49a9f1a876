package dgraph

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/walfs/walfs/meta"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

// Image gives the directory's own files as of the reader's moment: a directory that a
// node can be started on. Log files end with their last payload, what Recovery removes
// or drops is not in it, later files are not there, and wal.meta says what it said. Of
// a log file the slots are in memory, of wal.meta and KEYREGISTRY all that is in use.
// Payloads are read when they are asked for, and then compared with what was listed.
//
// Between two payloads there are zeros. Only a gap in an encrypted file keeps its bytes:
// they show that it is one which a rewrite has left.
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
	files, err := r.heldFiles()
	if err != nil {
		return nil, err
	}
	for _, k := range recovery.Files {
		if k.Slots > 0 {
			files = append(files, newImageFile(k).native())
		}
	}
	slices.SortFunc(files, func(a, b walcore.NativeFile) int { return strings.Compare(a.Name, b.Name) })
	return files, r.oneMoment(recovery.Files)
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
		default:
			if !rec.mends(p) {
				return r.noImage(p)
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
// wal.meta was read before the slots, and is read again after them. If it had another
// commit index in between, that does no harm: the entries that were added since are more
// than it speaks of. In a file whose last slot is still the same there was no rewrite.
func (r *Reader) oneMoment(kept []KeptFile) error {
	for _, k := range kept {
		header, err := readKeyHeader(k.f, k.Attr.Size)
		if err != nil || header != k.Header || k.mixed {
			return changedSince(k.Name)
		}
		if same, err := k.firstDifference(k.f, max(k.Slots-1, 0), k.Slots); err != nil || same < k.Slots {
			return changedSince(k.Name)
		}
		if attr, err := r.follower.dir.StatIn(k.Name); err != nil || !attr.Same(k.Attr) {
			return changedSince(k.Name)
		}
	}
	now, err := meta.Read(r.metaFile.f, r.metaFile.Attr.Size)
	if err != nil || !sameNode(now, r.meta) {
		return changedSince(format.MetaName)
	}
	return nil
}

func changedSince(name string) error { return walcore.FileError(name, walcore.ErrChanged) }

// sameNode reports whether two states of wal.meta are of the same term, vote and
// snapshot, and of the same node. Commit index and checkpoint may differ.
func sameNode(a, b *meta.Meta) bool {
	if len(a.Faults)+len(b.Faults) > 0 {
		return false
	}
	index, term := a.Emptying()
	index2, term2 := b.Emptying()
	return *a.RaftID == *b.RaftID && *a.GroupID == *b.GroupID && index == index2 && term == term2 &&
		a.HardState.GetTerm() == b.HardState.GetTerm() && a.HardState.GetVote() == b.HardState.GetVote() &&
		*a.SnapshotIndex == *b.SnapshotIndex && *a.SnapshotTerm == *b.SnapshotTerm
}

// heldFile is the first bytes of a file, in memory. All others are zero.
type heldFile struct {
	bytes []byte
	size  int64
}

// heldFiles reads what a writer changes in place, or may replace.
func (r *Reader) heldFiles() ([]walcore.NativeFile, error) {
	b := slices.Clone(r.meta.Head())
	if s := r.meta.Snapshot; s != nil {
		b = slices.Grow(b, int(s.Size))[:s.At+s.Size]
		if err := readFull(r.metaFile, b[s.At:], s.At); err != nil {
			return nil, err
		}
		if same, err := r.meta.SameSnapshot(r.metaFile); err != nil || !same {
			return nil, changedSince(format.MetaName)
		}
	}
	files := []walcore.NativeFile{heldFile{b, r.metaFile.Attr.Size}.native(format.MetaName, r.metaFile.Attr)}
	n := findNative(r.native, format.KeyRegistryName)
	if n == nil {
		return files, nil
	}
	if n.Attr.Size > format.MaxRegistry {
		return nil, r.noImage(walcore.FileProblem(n.Name, walcore.KindKeyRegistry, fmt.Sprintf("%d bytes are no key registry", n.Attr.Size)))
	}
	b = make([]byte, n.Attr.Size)
	if err := readFull(n, b, 0); err != nil {
		return nil, err
	}
	return append(files, heldFile{b, n.Attr.Size}.native(n.Name, n.Attr)), nil
}

func (h heldFile) native(name string, attr walcore.Attr) walcore.NativeFile {
	attr.Blocks = blocks(int64(len(h.bytes)))
	return walcore.NativeFile{Name: name, Attr: attr, ReaderAt: h}
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
