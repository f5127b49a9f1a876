package walcore

import (
	"context"
	"io"
	"iter"
	"os"
	"sort"
)

// Log is a Raft log as its directory holds it at one moment, whichever system wrote
// it. It does not change. Its files may change later; reading an entry then fails
// with ErrChanged. One that is Partial may find out later what it is: it gives entries that are
// in its files, but what it says of files that nobody has looked at can turn out otherwise,
// once. Its methods may be called from many goroutines.
//
// A Log can have more to offer: ask for Filer, Imager, Pinner, Follower, Glancer, Partial, Replacer,
// Remainer and Opener by type assertion, and for Timer and Counted at the Source of a File.
type Log interface {
	// Meta is what the directory says of the node. It must not be changed.
	Meta() *Meta
	// FirstIndex and LastIndex are what a raft.Storage would answer. FirstIndex is
	// the index after the snapshot's, or else the first entry's. LastIndex is the
	// last entry's, or else the snapshot's. known is false where it cannot be said,
	// because something is missing or damaged.
	FirstIndex() (index uint64, known bool)
	LastIndex() (index uint64, known bool)
	// Terms are the terms that have entries, upwards.
	Terms() []TermSpan
	// Entry finds the entry with an index. It fails with ErrNoEntry outside
	// the log, and with ErrDamaged inside it where the entry is not whole.
	Entry(index uint64) (Entry, error)
	// Entries goes through the whole entries with an index of at least from,
	// upwards.
	Entries(from uint64) iter.Seq[Entry]
	// Gap is asked about indexes from which Entries gave no entry. It fails with
	// ErrDamaged if the log once held an entry there. A loop over Entries skips
	// entries that are damaged; one that must not miss any calls Gap for the
	// indexes between two entries.
	Gap(first, last uint64) error
	// Problems lists all that is wrong with the directory. It may have to read
	// from files for that, but no payloads.
	Problems() []Problem
	Close() error
}

// Partial is a Log that may have read a part of its files only: their ends. What it tells of the
// others is what those let one presume, until they were looked at.
type Partial interface {
	Log
	// Checked reports whether all files were looked at.
	Checked() bool
	// CheckNext looks at a file that was not looked at, and reports whether more are left.
	CheckNext() (more bool)
	// Found lists the problems that are known so far. Problems looks at all files first.
	Found() []Problem
	// SameEntries reports whether all entries that it gives are those that an earlier log of
	// the directory has given, and no others. False may mean that this is not known.
	SameEntries(earlier Log) bool
}

// TermSpan is the indexes of one term, both ends included. Count is how many
// entries it has, those that are damaged included.
type TermSpan struct {
	Term, First, Last uint64
	Count             int
}

// Filer is a Log that shows its files.
type Filer interface {
	// Files are the log files, in the log's order; those without entries last.
	Files() []*File
	// Native are the directory's own files, by name.
	Native() []NativeFile
	// Unreadable are the names of the directory's own files that cannot be
	// opened or read.
	Unreadable() []string
	// Unindexed names a log file for which it is not known which entries are in
	// it; ok is false if there is none.
	Unindexed() (name string, ok bool)
}

// Imager is a Log that can give its directory as it was.
type Imager interface {
	Log
	// Image gives the directory's own files as of the log's moment. It fails with
	// ErrChanged if the log was looked at while it changed, so that there was no such
	// moment: Refresh, and ask again; and with ErrDamaged where no node could start
	// on such a directory. Their ReadAt fails with ErrChanged for what was destroyed
	// since. They are Sparse.
	Image() ([]NativeFile, error)
}

// Pinner is an Imager with a database that a busy node changes sooner than all of it can be
// read.
type Pinner interface {
	// Pin copies the database to a file, as it is now. The file is to stay for as long as what
	// Pin gives, and its images, are in use.
	Pin(ctx context.Context, file *os.File) (Pinned, error)
}

// Pinned is a database that was copied to a file.
type Pinned interface {
	// Image is the image of the log that was asked for it, or of one that Refresh gave, with
	// the copy as the database.
	Image(log Log) ([]NativeFile, error)
}

// Sparse is a NativeFile's ReaderAt that knows where its data are.
type Sparse interface {
	// NextData gives the first range at or after off that may hold anything but
	// zeros; found is false if there is none.
	NextData(off int64) (from, to int64, found bool)
}

// Continued is a NativeFile's ReaderAt that can be compared with that of an earlier
// image of the same log.
type Continued interface {
	// Same is a range in which both have the same bytes. It is empty where from is not
	// below to. Only there, reading can fail with ErrChanged.
	Same(earlier io.ReaderAt) (from, to int64)
}

// Follower is a Log whose directory can be read again.
type Follower interface {
	Log
	// Refresh gives the log as it is now: the same one if nothing has changed,
	// which costs a handful of system calls. Only the newest is to be closed.
	// It fails if the directory is gone or cannot be read any more. This log can
	// still be used then.
	Refresh() (Follower, error)
	// Unchanged is the range of indexes whose entries are in the same slots of the
	// same files as in an earlier log of the directory: they are the same entries.
	// Equal terms would not prove that, since a directory that was restored can
	// have other entries of the same terms. If no entry is the same, first is above
	// last.
	Unchanged(since Log) (first, last uint64)
	// Outline goes through the entries as Entries does, without checking
	// payloads: entries whose payload is damaged are among them, and Size is 0.
	Outline(from uint64) iter.Seq[Entry]
}

// Glancer is a Follower that can be asked many times a second.
type Glancer interface {
	// Glance is Refresh at a lower cost. It sees at once what a node does. What somebody
	// else does to files that a node is done with, it sees within some seconds: it looks
	// at these in turns.
	Glance() (Follower, error)
}

// Replacer is a Log that still has entries which a later leader replaced, and knows for
// certain which they are.
type Replacer interface {
	// Replaced goes through those with an index of at least from, by index, and
	// by term where an index has more than one.
	Replaced(from uint64) iter.Seq[Entry]
}

// Opener is a Log that knows what opening its directory for writing would say.
type Opener interface {
	// Opens fails, with ErrDamaged, if that would be refused. It changes nothing.
	Opens() error
}

// FindTerm gives the span of a term, if it has entries.
func FindTerm(l Log, term uint64) (TermSpan, bool) {
	terms := l.Terms()
	k := sort.Search(len(terms), func(k int) bool { return terms[k].Term >= term })
	if k == len(terms) || terms[k].Term != term {
		return TermSpan{}, false
	}
	return terms[k], true
}

// Count is how many entries a log has, those that are damaged included.
func Count(l Log) int {
	n := 0
	for _, span := range l.Terms() {
		n += span.Count
	}
	return n
}
