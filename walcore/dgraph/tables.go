package dgraph

import (
	"time"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
	"github.com/walfs/walfs/walcore/platform"
)

// tableFile is a log file of which the slot table and the key header were read.
type tableFile struct {
	slotFile
	attr   walcore.Attr
	f      file
	header format.KeyHeader
	// before is the same file as the look before had it, if its payloads' sizes
	// are still good.
	before   *LogFile
	identity uint64
	emptied  bool          // payloads were, since the look before gave their sizes
	file     *walcore.File // that of a reader of the same look; nil: it is to be made
}

// readLogFiles reads the tables of the log files.
func (r *reading) readLogFiles() []tableFile {
	tables, errs := make([]tableFile, len(r.native)), make([]error, len(r.native))
	newest := -1
	platform.InParallel(len(r.native), func(i int) {
		switch id, isLog := format.ParseFileName(r.native[i].Name); {
		case isLog && id == r.newest:
			newest = i // it is read after the others: a node is at work in it
		case isLog:
			tables[i], errs[i] = r.readLogFile(id, r.native[i])
		}
	})
	if newest >= 0 {
		tables[newest], errs[newest] = r.readLogFile(r.newest, r.native[newest])
	}
	var files []tableFile
	for i, t := range tables {
		switch n := r.native[i]; {
		case errs[i] != nil:
			r.reportUnreadable(n.Name, "cannot be read", errs[i])
		case t.slotTable != nil:
			if r.cutShort(t, r.previous.logFile(n)) {
				r.unreadable = append(r.unreadable, t.id)
			}
			files = append(files, t)
		}
	}
	return files
}

// readLogFile reads a file's table, or takes it from the look before. Only the newest
// file changes: a rewrite that reaches back deletes the later ones. That is what a node
// does; others change the file's time.
func (r *reading) readLogFile(id uint64, n *nativeFile) (t tableFile, err error) {
	newest, old := id == r.newest, r.previous.logFile(n)
	t = tableFile{slotFile: slotFile{id: id, name: n.Name}, f: n.f}
	if p := findLogFile(r.presumed, n.f); p != nil {
		if t.file = p.File; p.kept != nil { // it is what the reader's moment is
			t.slotTable = p.kept.slotTable
		}
	}
	if t.slotTable != nil {
	} else if old != nil && !newest && old.Attr.Size == n.Attr.Size && old.Attr.Mtime.Equal(n.Attr.Mtime) && !old.mixed && old.endsTheSameIn(n.f) {
		t.slotTable = old.slotTable
	} else if t.slotTable, err = r.readStableTable(n, newest, old); err != nil {
		return t, err
	}
	t.attr, t.size = n.Attr, n.Attr.Size
	if t.header, err = readKeyHeader(n.f, n.Attr.Size); err != nil {
		return t, err
	}
	if t.file != nil {
		r.identify(&t, n, findLogFile(r.presumed, n.f))
	} else {
		r.identify(&t, n, findLogFile(r.previous.files, n.f))
	}
	return t, nil
}

// otherIdentity makes a file another one to those who know its payloads' sizes.
const otherIdentity = 1 << 48

// identify says which file it is, and what is known of its payloads' sizes. old is the file as
// it was listed before, or nil.
func (r *reading) identify(t *tableFile, n *nativeFile, old *lazyFile) {
	if t.identity = n.Attr.FileID(); old == nil {
		return
	}
	t.identity = old.Identity
	if l := old.kept; l != nil {
		if !l.sized.Load() {
			l = l.before.Load()
		}
		t.emptied, t.before = l != nil && l.emptiedSince(), l
	} else {
		t.emptied, t.before = old.table.changed.Load() || old.table.emptiedSince(n.f), old.table.loaded.Load()
	}
	if t.emptied {
		t.identity += otherIdentity
		t.before = nil
	}
}

// readKeyHeader reads a log file's key header, which is zero if the file ends
// before it.
func readKeyHeader(f file, size int64) (h format.KeyHeader, err error) {
	if size < format.PayloadAt {
		return h, nil
	}
	var raw [format.KeyHeaderSize]byte
	if err := readFull(f, raw[:], format.KeyHeaderAt); err != nil {
		return h, err
	}
	return format.DecodeKeyHeader(raw[:]), nil
}

// maxRetries bounds how often something is read again while a writer changes it.
const maxRetries = 5

// readStableTable reads the slots of a file until they read the same twice, since
// a writer may be at work in it. What it has only begun is left out; where nobody
// seems to be at work, that is damage, and stays in. Any file can become the newest
// one again: a rewrite that reaches back deletes the later ones.
func (r *reading) readStableTable(n *nativeFile, newest bool, old *LogFile) (*slotTable, error) {
	for try := 0; ; try++ {
		table, err := readTable(n.f, n.Attr.Size)
		if err != nil || r.follower.alone {
			return table, err
		}
		if newest {
			// After the table: the file grows before a slot points there.
			if n.Attr, err = n.f.Stat(); err != nil {
				return nil, err
			}
		}
		table.mixed = !table.unchangedIn(n.f)
		halfWritten := newest && table.halfWritten()
		if !table.mixed && !halfWritten {
			return table, nil
		}
		// One that is followed is soon read again anyway.
		if try < maxRetries && (table.mixed || !r.previous.exists) {
			time.Sleep(time.Millisecond)
			continue
		}
		if newest && !timedOut(old, table) && r.stillSettling() {
			return table.withoutHalfWritten(), nil
		}
		return table, nil
	}
}

// newFile makes the file that the log shows. Its Source is to be set.
func (t *tableFile) newFile() *walcore.File {
	return &walcore.File{ID: t.id, Name: t.name, Attr: t.attr, Identity: t.identity, KeyID: t.header.KeyID, Encrypted: t.header.KeyID != 0}
}

// newLogFile makes a log file of what was read and of what the log has of it.
func (r *Reader) newLogFile(t tableFile, found slotFindings) *LogFile {
	l := &LogFile{File: t.file, Header: t.header, f: t.f, slotTable: t.slotTable, entrySlots: found.entrySlots, problems: found.problems}
	if l.File == nil {
		l.File = t.newFile()
		l.Source = l
	} else {
		l.emptied = t.emptied
	}
	l.mayBeEncrypted = t.header != format.KeyHeader{} || r.keys.there
	l.before.Store(t.before)
	r.chooseCipher(l)
	return l
}
