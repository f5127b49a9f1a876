package hashicorp

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"time"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/bolt"
	"github.com/walfs/walfs/walcore/platform"
)

// walLog is what wal-meta.db and the segments held at one moment.
type walLog struct {
	segments []*walSegment
	problems []walcore.Problem
	stable   *walcore.Stable // nil: it cannot be read
	meta     bolt.Meta
}

// walSegment is a segment, and what of it is in the log.
type walSegment struct {
	info segmentInfo
	*segment
	lost []damage // entries of the log that cannot be read
	err  error    // it cannot be read at all: segment has no entries then
	// missing says that it is the last one and not there. raft-wal names a segment before it makes
	// it, and makes it when it is started again: no entry of it was acknowledged.
	missing bool
}

const (
	walMetaBucket = "wal-meta"
	walMetaKey    = "m"
	stableBucket  = "stable"
)

// readWALLog reads wal-meta.db and the segments that it names. previous is what was there
// before, or nil.
func readWALLog(files *openFiles, found Found, previous *walLog) (*walLog, error) {
	f, err := files.open(found.main())
	if err != nil {
		return nil, err
	}
	for range maxRetries {
		m, sound, err := bolt.ReadMeta(f)
		if err != nil {
			return nil, err
		}
		db := &bolt.DB{File: f, Meta: m}
		l := &walLog{meta: m}
		err = l.read(db, files, found, previous)
		if db.Changed() {
			continue
		}
		if err != nil {
			return nil, err
		}
		if sound == 1 {
			l.problems = append(l.problems, walcore.FileProblem(found.main(), walcore.KindMeta, oneMetaPage))
		}
		return l, nil
	}
	return nil, errNewer
}

// mostWaits bounds how often it is looked again whether a write has come to its end.
const mostWaits = 5

// settle looks again if something follows the last commit: a node may be writing it just now,
// and then its commit comes soon.
func (l *walLog) settle(files *openFiles, found Found) *walLog {
	again := *files
	again.stale = nil // those are read by now
	for waits := 0; waits < mostWaits && len(l.segments) > 0 && l.segments[len(l.segments)-1].torn; waits++ {
		time.Sleep(time.Millisecond)
		next, err := readWALLog(&again, found, l)
		if err != nil {
			break
		}
		l = next
	}
	return l
}

func (l *walLog) read(db *bolt.DB, files *openFiles, found Found, previous *walLog) error {
	infos, err := readInfos(db)
	if err != nil {
		return err
	}
	if l.stable, err = readStable(db, stableBucket, binary.LittleEndian); err != nil {
		l.problems = append(l.problems, walcore.FileProblem(found.main(), walcore.KindMeta, err.Error()))
	}
	for _, info := range infos {
		f, err := files.open(found.file(info.name()))
		l.segments = append(l.segments, &walSegment{info: info, segment: newSegment(f, info), err: err})
	}
	platform.InParallel(len(infos), func(i int) {
		s := l.segments[i]
		if s.err == nil {
			s.segment, s.err = readSegment(s.f, s.info, files.stale[s.f], previous)
		}
		if s.missing = !s.info.sealed() && errors.Is(s.err, fs.ErrNotExist); s.missing {
			s.err = nil
		}
		s.findDamages()
	})
	return nil
}

// readInfos reads which segments there are.
func readInfos(db *bolt.DB) (infos []segmentInfo, err error) {
	t, err := db.Bucket(walMetaBucket)
	if err != nil {
		return nil, err
	}
	value, at, err := t.Get([]byte(walMetaKey))
	if err != nil || value == nil { // nothing has been stored yet
		return nil, err
	}
	if infos, err = parseInfos(value); err != nil {
		return nil, fmt.Errorf("the list of segments at offset %d: %w: %w", at, err, walcore.ErrDamaged)
	}
	return infos, nil
}

func parseInfos(b []byte) ([]segmentInfo, error) {
	var list struct{ Segments []segmentInfo }
	if err := json.Unmarshal(b, &list); err != nil {
		return nil, err
	}
	for k, s := range list.Segments {
		newest := k == len(list.Segments)-1
		switch {
		case s.BaseIndex == 0 || s.MinIndex < s.BaseIndex || s.MinIndex > walcore.MaxNumber || s.MaxIndex > walcore.MaxNumber:
			return nil, fmt.Errorf("segment %d has base index %d, and would hold entries %d to %d", s.ID, s.BaseIndex, s.MinIndex, s.MaxIndex)
		case !newest && !s.sealed():
			return nil, fmt.Errorf("segment %d is not sealed, and is not the last", s.ID)
		case s.sealed() && s.MaxIndex < s.MinIndex:
			return nil, fmt.Errorf("segment %d would hold entries %d to %d", s.ID, s.MinIndex, s.MaxIndex)
		case k > 0 && s.MinIndex != list.Segments[k-1].MaxIndex+1:
			return nil, fmt.Errorf("segment %d begins with entry %d, and the one before ends with %d", s.ID, s.MinIndex, list.Segments[k-1].MaxIndex)
		}
	}
	return list.Segments, nil
}

// readSegment reads a segment, or goes on where it was read to before.
func readSegment(f *openFile, info segmentInfo, stale bool, previous *walLog) (*segment, error) {
	attr, err := f.Stat()
	if err != nil {
		return newSegment(f, info), err
	}
	if before := previous.find(f); before != nil && !stale && attr.Size >= before.end {
		sealedNow := info.sealed() && !before.info.sealed()
		if !sealedNow && !before.grown() {
			return before.segment, nil
		}
		s := *before.segment
		s.table, s.damages = before.between(0, math.MaxUint64), slices.Clip(s.damages)
		return &s, s.read(attr, sealedNow)
	}
	s, err := openSegment(f, info, attr.Size)
	if err != nil {
		return newSegment(f, info), err
	}
	if info.sealed() {
		s.slots = make([]slot, 0, min(info.MaxIndex-info.BaseIndex, uint64(attr.Size)/leastEntry, mostReserved)+1)
	}
	return s, s.read(attr, true)
}

// find gives the segment that was read from an open file, or nil.
func (l *walLog) find(f *openFile) *walSegment {
	if l == nil {
		return nil
	}
	if k := slices.IndexFunc(l.segments, func(s *walSegment) bool { return s.f == f && s.err == nil }); k >= 0 {
		return l.segments[k]
	}
	return nil
}

// grown reports whether more may count than when the segment was read.
func (s *walSegment) grown() bool {
	// When one that is missing is made, the folder's time changes.
	return !s.info.sealed() && !s.missing && s.segment.grown()
}

// last is the last index in the log that the segment has, or should have; 0: there is none.
func (s *walSegment) last() uint64 {
	if s.info.sealed() {
		return s.info.MaxIndex
	}
	return s.lastIndex()
}

// findDamages finds which entries of the log cannot be read.
func (s *walSegment) findDamages() {
	switch {
	case s.err != nil:
		last := s.last()
		if !s.info.sealed() {
			last = math.MaxUint64
		}
		kind, err := walcore.KindUnreadable, s.err
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("is missing: %w", walcore.ErrDamaged)
		} else if errors.Is(err, walcore.ErrDamaged) {
			kind = walcore.KindPage
		}
		s.lost = []damage{damaged(s.name, kind, s.info.MinIndex, last, 0, err)}
	default:
		s.lost = within(s.damages, s.info.MinIndex, s.last())
		if from := max(s.next, s.info.MinIndex); s.info.sealed() && from <= s.info.MaxIndex {
			s.lost = append(s.lost, damaged(s.name, walcore.KindChecksum, from, s.info.MaxIndex, s.end,
				errors.New("no commit with a right checksum has them")))
		}
	}
}

// part gives what of the segment is in the log, and what has been replaced.
func (s *walSegment) part() part {
	p := part{file: walcore.File{ID: s.info.ID + 1, Name: s.name}, f: s.f, base: s.base, damages: s.lost}
	if s.err != nil {
		p.unreadable = true
		return p
	}
	p.table = s.between(s.info.MinIndex, max(s.last(), s.info.MinIndex))
	if s.info.sealed() {
		p.cut = s.between(s.info.MaxIndex+1, math.MaxUint64)
	} else if s.missing {
		p.problems = []walcore.Problem{walcore.FileProblem(s.name, walcore.KindTorn,
			"is missing: the node had yet to make it, so that it holds nothing that counts; or somebody has deleted it")}
	} else if s.torn {
		p.problems = []walcore.Problem{walcore.FileProblem(s.name, walcore.KindTorn,
			"what follows the last commit has no commit of its own: a node was writing it, or still is; it does not count").At(uint64(s.end))}
	}
	return p
}
