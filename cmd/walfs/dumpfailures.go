package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/payload"
)

// shownFailures is how many failures of one kind in one file are said in full. A log
// without its key has a failure for each entry: the rest are counted.
const shownFailures = 5

// failures says on stderr what dump could not read or decode.
type failures struct {
	code   int // the exit code that follows from them
	groups []*failureGroup
	later  bool // say nothing before tell
	held   []error
}

// failureGroup is failures with one cause, in one file if that matters.
type failureGroup struct {
	file, cause string
	about       error  // the last one
	shown, more int    // said in full, and not said yet
	first, last uint64 // indexes of those not said yet; 0: not known
	counted     bool   // some were
}

func (f *failures) add(err error) {
	f.code = max(f.code, exitCode(err, true))
	file, cause, index := causeOf(err)
	g := f.group(file, cause)
	g.about = err
	if !aboutKeys(err) && g.shown < shownFailures {
		g.shown++
		if f.later {
			f.held = append(f.held, err)
		} else {
			printError(err)
		}
		return
	}
	if g.more == 0 {
		g.first = index
	}
	g.more, g.last = g.more+1, index
}

func (f *failures) group(file, cause string) *failureGroup {
	for _, g := range slices.Backward(f.groups) { // files come in their order
		if g.file == file && g.cause == cause {
			return g
		}
	}
	g := &failureGroup{file: file, cause: cause}
	f.groups = append(f.groups, g)
	return g
}

// tell says all that was held back, and how many more there are.
func (f *failures) tell() {
	for _, err := range f.held {
		printError(err)
	}
	f.held = nil
	f.count(true)
}

// aboutKeys reports whether an error is one that all entries of a file have alike.
func aboutKeys(err error) bool {
	return errors.Is(err, walcore.ErrNoKey) || errors.Is(err, walcore.ErrDataKey)
}

// causeOf tells what failures have in common: the file is "" if it does not matter.
func causeOf(err error) (file, cause string, index uint64) {
	var at *walcore.Error
	var program *payload.ProgramError
	if errors.As(err, &program) {
		return "", program.Err.Error(), program.Index
	}
	if errors.As(err, &at) {
		file, index = at.File, at.Index
	}
	switch {
	case errors.Is(err, walcore.ErrNoKey):
		return "", walcore.ErrNoKey.Error(), index // one key is for all files
	case errors.Is(err, walcore.ErrDataKey) && at != nil:
		return file, at.Err.Error(), index
	case errors.Is(err, walcore.ErrChanged):
		return file, walcore.ErrChanged.Error(), index
	case errors.Is(err, walcore.ErrDamaged):
		return file, walcore.ErrDamaged.Error(), index
	}
	return file, "cannot be read", index
}

// count says how many there are of those that are not said yet. Before the end, while
// a log is followed, it does so once for each group: more may come all the time.
func (f *failures) count(atEnd bool) {
	for _, g := range f.groups {
		if g.more > 0 && (atEnd || !g.counted) {
			g.print()
			g.more, g.counted = 0, true
		}
	}
}

func (g *failureGroup) print() {
	if g.more == 1 {
		printError(g.about) // it has the place, too
		return
	}
	where := ""
	if g.file != "" {
		where = g.file + ": "
	}
	more := ""
	if g.shown > 0 || g.counted {
		more = " more"
	}
	span := "entries"
	switch {
	case g.first == 0 || g.last == 0:
	case g.last-g.first+1 == uint64(g.more):
		span = fmt.Sprintf("entries, %d to %d", g.first, g.last)
	default:
		span = fmt.Sprintf("of the entries %d to %d", g.first, g.last)
	}
	notef("%s%d%s %s: %s%s", where, g.more, more, span, g.cause, hint(g.about))
}
