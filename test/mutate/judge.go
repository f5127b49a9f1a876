//go:build linux

package mutate

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/dgraph"
	"github.com/walfs/walfs/walcore/storage"
)

// Failure is a sort of fault that a mutant has found.
type Failure string

// What can fail.
const (
	failPanic    Failure = "panic"
	failWrong    Failure = "the reader gives a wrong entry"
	failSilent   Failure = "nothing is reported"
	failAsked    Failure = "Entry, Entries and the scanner disagree"
	failLost     Failure = "opening for writing loses entries that could be read, and are committed"
	failTail     Failure = "opening for writing loses entries above the commit index without a word"
	failServed   Failure = "a storage serves a wrong entry"
	failBelow    Failure = "opening for writing succeeds, and the log ends below the commit index"
	failTouched  Failure = "opening for writing refuses, and has changed the directory"
	failReplaced Failure = "an entry of the log is shown as replaced"
	failRejected Failure = "a storage serves a changed entry that the reader rejects"
)

// finding is one failure of a mutant.
type finding struct {
	what   Failure
	detail string
}

// outcome is what came of a mutant.
type outcome struct {
	detectable bool
	reported   bool // the reader gives an error, a problem, or an entry that it does not give for sound
	opened     bool // for writing
	findings   []finding
	problems   []walcore.Problem
	openErr    error
}

func (o *outcome) fail(what Failure, text string, args ...any) {
	for _, f := range o.findings {
		if f.what == what {
			return // one example is enough
		}
	}
	o.findings = append(o.findings, finding{what, fmt.Sprintf(text, args...)})
}

// judge reads a damaged directory and opens it for writing: on paper, or for real
// after it was checked, copied and repaired.
func judge(x *expectation, really bool) (*outcome, error) {
	o := &outcome{detectable: len(x.seen) > 0 || len(x.onReading) > 0}
	read := x.read(o)
	if len(x.seen) > 0 && !o.reported || len(x.onReading) > 0 && !o.reported {
		o.fail(failSilent, "%v%v", x.seen, x.onReading)
	}
	if really {
		if err := x.derive(o); err != nil {
			return o, err
		}
	}
	return o, x.open(o, read, really)
}

// read reads everything, and gives the entries that could be read.
func (x *expectation) read(o *outcome) map[uint64]truth {
	read := map[uint64]truth{}
	r, err := dgraph.OpenReader(x.dir, dgraph.ReaderOptions{Key: x.base.Key})
	if err != nil {
		o.reported = true
		return read
	}
	defer r.Close()
	o.problems = r.Problems()
	o.reported = len(o.problems) > 0
	var payloads walcore.Scanner
	last := uint64(0)
	for e := range r.Entries(0) {
		if e.Index <= last {
			o.fail(failAsked, "entry %d is listed after %d", e.Index, last)
		}
		last = e.Index
		if again, err := r.Entry(e.Index); err != nil || again != e {
			o.fail(failAsked, "entry %d is listed, and alone it is %+v, %v", e.Index, again, err)
		}
		data, err := dataOf(&payloads, &e)
		if err != nil {
			o.reported = true
			continue
		}
		got := truth{e.Term, e.Type, data, e.File.Name}
		if why := x.wrong(e.Index, got); why != "" {
			o.fail(failWrong, "entry %d of %s slot %d: %s", e.Index, e.File.Name, e.Slot, why)
		}
		got.data = bytes.Clone(data)
		read[e.Index] = got
	}
	for index := range x.base.truth {
		if _, ok := read[index]; ok {
			continue
		}
		if _, err := r.Entry(index); err == nil {
			if o.reported {
				continue
			}
			o.fail(failAsked, "entry %d is not listed, and alone it can be had", index)
		}
	}
	x.readReplaced(r, o)
	return read
}

// largest is the most of a payload that is compared: a damaged length can make one
// of 256 MiB.
const largest = 4 << 20

// dataOf gives an entry's payload, or its first bytes.
func dataOf(s *walcore.Scanner, e *walcore.Entry) ([]byte, error) {
	if e.Size <= largest {
		return s.Data(e)
	}
	p := make([]byte, largest)
	_, err := e.ReadAt(p, 0)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return p, err
}

// wrong says in what an entry differs from what it was, where that can be seen.
func (x *expectation) wrong(index uint64, got truth) string {
	was, ok := x.base.truth[index]
	allowed := x.may[index]
	// An entry that has not been emptied yet is the same entry.
	if old, ok := x.base.old[index]; ok && old.equal(got) && (x.mayOld || x.old[index] || old.term == was.term) {
		return ""
	}
	switch {
	case !ok:
		return fmt.Sprintf("there was none: term %d, %d bytes", got.term, len(got.data))
	case got.term != was.term && !allowed.term:
		return fmt.Sprintf("term %d, was %d", got.term, was.term)
	case got.typ != was.typ && !allowed.typ:
		return fmt.Sprintf("type %d, was %d", got.typ, was.typ)
	case !allowed.data && !bytes.Equal(got.data, was.data):
		return fmt.Sprintf("%d bytes %.40q, was %d bytes %.40q", len(got.data), got.data, len(was.data), was.data)
	}
	return ""
}

var quiet = slog.New(slog.DiscardHandler)

// open opens the directory for writing. What the reader gave, in read, must still be
// there, but for what the snapshot stands for.
func (x *expectation) open(o *outcome, read map[uint64]truth, really bool) error {
	before, err := readImages(x.dir)
	if !really {
		before, err = nil, nil
	}
	if err != nil {
		return err
	}
	s, err := storage.Open(x.dir, storage.Options{Key: x.base.Key, DryRun: !really, Sync: storage.SyncManual, Logger: quiet})
	if o.openErr = err; err != nil {
		if really {
			return x.untouched(o, before)
		}
		return nil
	}
	o.opened = true
	defer s.Close()
	x.compareStorage(o, s, read)
	return nil
}

// untouched fails where a directory is not as it was.
func (x *expectation) untouched(o *outcome, before map[string]*image) error {
	now, err := readImages(x.dir)
	if err != nil {
		return err
	}
	for name := range now {
		if before[name] == nil {
			o.fail(failTouched, "%s is new; %v", name, o.openErr)
		}
	}
	for name, m := range before {
		if now[name] == nil {
			o.fail(failTouched, "%s is gone; %v", name, o.openErr)
			continue
		}
		if same, err := m.same(filepath.Join(x.dir, name)); err != nil || !same {
			o.fail(failTouched, "%s has changed; %v", name, o.openErr)
		}
	}
	return nil
}

func (x *expectation) compareStorage(o *outcome, s *storage.DiskStorage, read map[uint64]truth) {
	first, _ := s.FirstIndex()
	last, _ := s.LastIndex()
	served := map[uint64]truth{}
	for index := first; index <= last && len(served) <= len(x.base.truth); index++ {
		if was, ok := read[index]; ok && len(was.data) >= largest {
			served[index] = was // not worth the memory
			continue
		}
		entries, err := s.Entries(index, index+1, 1<<62)
		if err != nil || len(entries) != 1 {
			o.reported = true
			continue
		}
		e := entries[0]
		got := truth{e.GetTerm(), walcore.EntryType(e.GetType()), e.Data, ""}
		served[index] = got
		if why := x.wrong(index, got); why != "" {
			o.fail(failServed, "entry %d: %s", index, why)
		}
		if _, ok := read[index]; !ok && !got.equal(x.base.truth[index]) {
			o.fail(failRejected, "entry %d, term %d, %d bytes", index, got.term, len(got.data))
		}
	}
	lost := map[Failure][]uint64{}
	for index, want := range read {
		got, ok := served[index]
		switch {
		case index <= x.base.layout.meta.snapshotIndex, ok && got.equal(want), ok && x.may[index].data && len(got.data) == 0:
		case !ok && index >= first && index <= last:
			// It is there, beside a damaged one, and gives an error.
		case index <= x.base.layout.meta.hard.GetCommit():
			lost[failLost] = append(lost[failLost], index)
		case len(s.Problems()) == 0:
			lost[failTail] = append(lost[failTail], index)
		}
	}
	for what, indexes := range lost {
		o.fail(what, "%d entries, the first is %d; the log is now %d to %d; Open says %v", len(indexes), slices.Min(indexes), first, last, s.Problems())
	}
	hs, _, err := s.InitialState()
	if commit := hs.GetCommit(); err == nil && commit > last {
		o.fail(failBelow, "commit index %d, last index %d", commit, last)
	}
}
