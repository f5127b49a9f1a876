package backup

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/walfs/walfs/walcore"
)

// Options say how a copy is made.
type Options struct {
	// Compact leaves out each log file of which the snapshot stands for all entries, even
	// the one with its own. Those that end before it are never copied: they wait to be
	// removed. It is Dgraph's: other systems' nodes want entries before the snapshot.
	Compact bool
	// Progress, if there is one, is told how many bytes have been copied, and how many
	// there are. Both can grow.
	Progress func(done, total int64)
}

// Copy is a copy that was made.
type Copy struct {
	Log         walcore.Log // the look at the directory that it is of, to be closed
	Files       []string    // their names
	Bytes       int64       // what they have in data
	First, Last uint64      // its first and its last index, as a raft.Storage answers
	Commit      *uint64     // nil: it is not known
	// Problems are what is wrong with the directory's keys: the copy has the same.
	Problems []walcore.Problem
}

// maxLooks is how often the directory is looked at again until there is an image of it.
// A look takes milliseconds, and a busy node changes its term a few times a minute.
const maxLooks = 300

// What looks like damage may be a write that has only begun: a process can be stopped in
// the midst of it. So the directory is looked at until it has been the same for some time.
const (
	settlingTime = time.Second
	settlingStep = 20 * time.Millisecond
)

// Image gives a log's image. If the directory has changed while it was looked at, it
// looks again, and newest is the log that the image is of. Only that is to be closed.
func Image(log walcore.Log) (newest walcore.Log, files []walcore.NativeFile, err error) {
	return image(log, nil)
}

// image is Image with a pinned database; nil: none is pinned.
func image(log walcore.Log, pinned walcore.Pinned) (newest walcore.Log, files []walcore.NativeFile, err error) {
	same := time.Now() // since when the directory is as it is
	for looks := 0; looks < maxLooks; {
		imager, ok := log.(walcore.Imager)
		if !ok {
			return log, nil, fmt.Errorf("a log of %s cannot be copied", log.Meta().System.Name)
		}
		if pinned != nil {
			files, err = pinned.Image(log)
		} else {
			files, err = imager.Image()
		}
		if err == nil {
			return log, files, nil
		}
		next, refreshErr := refresh(log)
		switch {
		case refreshErr != nil:
			return log, nil, errors.Join(err, refreshErr)
		case next != log:
			log, same, looks = next, time.Now(), looks+1
		case errors.Is(err, walcore.ErrChanged):
			looks++
		case time.Since(same) > settlingTime:
			return log, nil, err
		default:
			time.Sleep(settlingStep)
		}
	}
	return log, nil, err
}

// refresh looks at a directory again, if it can change at all.
func refresh(log walcore.Log) (walcore.Log, error) {
	f, ok := log.(walcore.Follower)
	if !ok {
		return log, nil
	}
	next, err := f.Refresh()
	if err != nil {
		return log, err
	}
	return next, nil
}

// source is a directory that is being copied.
type source struct {
	log     walcore.Log
	compact bool
	pinned  walcore.Pinned // nil: no database is pinned
	files   []walcore.NativeFile
	total   int64 // of data in files
}

// look takes an image.
func (s *source) look() (err error) {
	if s.compact && s.system() != walcore.Dgraph {
		return fmt.Errorf("log files before the snapshot are left out of Dgraph's logs only: a node of %s wants them", s.system())
	}
	if s.log, s.files, err = image(s.log, s.pinned); err != nil {
		return err
	}
	if s.compact {
		s.leaveOutCompacted()
	}
	s.total = 0
	for _, f := range s.files {
		s.total += f.Attr.DiskBytes()
	}
	return nil
}

// again looks again at a directory that has changed.
func (s *source) again() (err error) {
	if s.log, err = refresh(s.log); err != nil {
		return err
	}
	return s.look()
}

// leaveOutCompacted leaves out the log files that have only entries up to the snapshot's.
// Dgraph's own compaction keeps the one with the snapshot's.
func (s *source) leaveOutCompacted() {
	snap := s.log.Meta().Snapshot
	filer, ok := s.log.(walcore.Filer)
	if snap == nil || snap.Index == 0 || !ok {
		return
	}
	covered := map[string]bool{}
	for _, f := range filer.Files() {
		covered[f.Name] = true
		for range f.Source.Entries(snap.Index + 1) {
			covered[f.Name] = false
			break
		}
	}
	s.files = slices.DeleteFunc(s.files, func(f walcore.NativeFile) bool { return covered[f.Name] })
}
