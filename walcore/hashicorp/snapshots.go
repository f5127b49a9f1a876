package hashicorp

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc64"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/walfs/walfs/walcore"
)

const (
	snapshotMeta    = "meta.json"
	snapshotState   = "state.bin"
	maxSnapshotMeta = 16 << 20
	unfinished      = ".tmp" // how the name of a snapshot ends that is still written
)

// snapshotInfo is what meta.json says.
type snapshotInfo struct {
	Index, Term   uint64
	Configuration struct {
		Servers []struct {
			Suffrage    int // 0: a voter
			ID, Address string
		}
	}
	Size int64
	CRC  []byte
}

// snapshot is a folder in snapshots/, and what was found in it.
type snapshot struct {
	folder      string      // from Path on
	meta, state *nativeFile // nil: there is none
	walcore.Snapshot
	err error // it is not whole
}

// errIncomplete says that a folder lacks one of a snapshot's two files.
var errIncomplete = fmt.Errorf("%s or %s is missing: %w", snapshotMeta, snapshotState, walcore.ErrDamaged)

// mostLooks is how often a directory is listed while snapshots go. It is enough: nodes remove
// some only when they have written another one.
const mostLooks = 5

// findSnapshots lists a directory and reads its snapshots. A node may be removing one, file by
// file, to which no newer one is in the list: that one comes with the next list.
func findSnapshots(dir *os.File, found Found, previous []*snapshot) (l listing, snapshots []*snapshot, err error) {
	for range mostLooks {
		if l, err = list(dir, found); err != nil {
			return l, nil, err
		}
		snapshots = readSnapshots(l.native, previous)
		previous = snapshots
		if !l.going && !slices.ContainsFunc(snapshots, (*snapshot).mayBeGoing) {
			break
		}
	}
	return l, snapshots, nil
}

func (s *snapshot) mayBeGoing() bool {
	return errors.Is(s.err, errIncomplete) || errors.Is(s.err, walcore.ErrChanged)
}

// readSnapshots finds the snapshots among the directory's files: the oldest first. Those that
// were read before, and were whole or damaged, are not read again while their files are the
// same. An incomplete one counts for nothing if a newer one is whole: a node was removing it.
func readSnapshots(native []*nativeFile, previous []*snapshot) (list []*snapshot) {
	for _, n := range native {
		folder, name := path.Split(n.Name)
		folder = strings.TrimSuffix(folder, "/")
		if path.Dir(folder) != snapshotsName || strings.HasSuffix(folder, unfinished) {
			continue
		}
		if len(list) == 0 || list[len(list)-1].folder != folder {
			list = append(list, &snapshot{folder: folder})
		}
		switch s := list[len(list)-1]; name {
		case snapshotMeta:
			s.meta = n
		case snapshotState:
			s.state = n
		}
	}
	for i, s := range list {
		k := slices.IndexFunc(previous, s.unchangedSince)
		if k >= 0 {
			list[i] = previous[k]
		} else {
			s.err = s.read()
		}
	}
	slices.SortStableFunc(list, func(a, b *snapshot) int { return cmp.Or(cmp.Compare(a.Term, b.Term), cmp.Compare(a.Index, b.Index)) })
	if len(list) == 0 || list[len(list)-1].err != nil {
		return list
	}
	newest := list[len(list)-1]
	return slices.DeleteFunc(list, func(s *snapshot) bool { return errors.Is(s.err, errIncomplete) && s.isNoNewerThan(newest) })
}

// isNoNewerThan compares what a folder's name says with a snapshot that is whole.
func (s *snapshot) isNoNewerThan(whole *snapshot) bool {
	var term, index, ms uint64
	_, err := fmt.Sscanf(path.Base(s.folder), "%d-%d-%d", &term, &index, &ms)
	return err == nil && cmp.Or(cmp.Compare(term, whole.Term), cmp.Compare(index, whole.Index)) <= 0
}

func (s *snapshot) unchangedSince(p *snapshot) bool {
	return p.folder == s.folder && (p.err == nil || errors.Is(p.err, walcore.ErrDamaged)) && p.meta != nil && p.state != nil && s.meta != nil && s.state != nil && s.meta.Attr == p.meta.Attr && s.state.Attr == p.state.Attr
}

// read reads meta.json and checks state.bin against it.
func (s *snapshot) read() error {
	if s.meta == nil || s.state == nil {
		return errIncomplete
	}
	b, err := s.meta.all(maxSnapshotMeta)
	if err != nil {
		return err
	}
	info, err := parseSnapshotInfo(b)
	if err != nil {
		return fmt.Errorf("%s: %w: %w", snapshotMeta, err, walcore.ErrDamaged)
	}
	if s.state.Attr.Size != info.Size {
		return fmt.Errorf("%s has %d bytes, and %s says %d: %w", snapshotState, s.state.Attr.Size, snapshotMeta, info.Size, walcore.ErrDamaged)
	}
	sum := crc64.New(crc64.MakeTable(crc64.ECMA))
	if err := s.state.stream(sum); err != nil {
		return err
	}
	if sum.Sum64() != binary.BigEndian.Uint64(info.CRC) {
		return fmt.Errorf("the checksum of %s is wrong: %w", snapshotState, walcore.ErrDamaged)
	}
	s.Snapshot = walcore.Snapshot{
		Index: info.Index, Term: info.Term, Attr: s.meta.Attr,
		Data:   walcore.Section{ReaderAt: writtenOnce{s.state}, Size: s.state.Attr.Size},
		Stored: walcore.Section{ReaderAt: writtenOnce{s.meta}, Size: s.meta.Attr.Size},
	}
	s.ConfState.Servers = []walcore.Server{}
	for _, m := range info.Configuration.Servers {
		s.ConfState.Servers = append(s.ConfState.Servers, walcore.Server{ID: m.ID, Address: m.Address, Voter: m.Suffrage == 0})
	}
	return nil
}

func parseSnapshotInfo(b []byte) (info snapshotInfo, err error) {
	if err := json.Unmarshal(b, &info); err != nil {
		return info, err
	}
	switch {
	case info.Index == 0 || info.Index > walcore.MaxNumber || info.Term == 0 || info.Term > walcore.MaxNumber:
		return info, fmt.Errorf("a snapshot at index %d of term %d", info.Index, info.Term)
	case info.Size < 0 || len(info.CRC) != crc64.Size:
		return info, errors.New("its size or its checksum is none")
	}
	return info, nil
}
