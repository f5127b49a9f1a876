package dgraph

import (
	"errors"
	"fmt"
	"io/fs"
	"sort"
	"time"

	"github.com/walfs/walfs/meta"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
	"github.com/walfs/walfs/walcore/platform"
)

// openFiles opens what belongs to the log and names what does not.
func (r *Reader) openFiles(before *Reader) error {
	r.listed = time.Now()
	entries, err := r.dir.List()
	if err != nil {
		return err
	}
	sort.Slice(entries, func(i, j int) bool { return entries[i].Name() < entries[j].Name() })
	found := false
	for _, e := range entries {
		name := e.Name()
		if _, isLog := format.ParseFileName(name); !isLog && name != format.MetaName && name != format.KeyRegistryName {
			r.ignored = append(r.ignored, name)
			continue
		}
		found = found || name != format.KeyRegistryName
		if e.Type().IsRegular() {
			r.openNative(name, before)
			continue
		}
		r.ignored = append(r.ignored, name)
		r.problem(name, walcore.KindNotAFile, "is a %s, not a regular file: left alone", platform.TypeName(e.Type()))
	}
	if !found {
		return fmt.Errorf("%s: neither %s nor a log file (00001.wal, …) is in it: %w", r.path, format.MetaName, walcore.ErrNotRaftDir)
	}
	return nil
}

func (r *Reader) openNative(name string, before *Reader) {
	if before != nil {
		if n := before.find(name); n != nil {
			attr, err := r.dir.StatIn(name)
			if err == nil && attr.Same(n.Attr) {
				r.native = append(r.native, &nativeFile{Name: name, Attr: attr, f: n.f})
				return
			}
		}
	}
	f, err := r.dir.Open(name)
	if err != nil {
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		r.unreadable(name, "cannot be opened", err)
		return
	}
	attr, err := f.Stat()
	if err == nil && !attr.Regular {
		err = errors.New("is no regular file any more")
	}
	if err != nil {
		r.unreadable(name, "cannot be opened", err)
		f.Close()
		return
	}
	r.native = append(r.native, &nativeFile{Name: name, Attr: attr, f: f})
}

func (r *Reader) find(name string) *nativeFile {
	for _, n := range r.native {
		if n.Name == name {
			return n
		}
	}
	return nil
}

func (r *Reader) readMeta(before *Reader) {
	r.meta = &meta.Meta{}
	r.metaFile = r.find(format.MetaName)
	if r.metaFile == nil {
		if !r.hasProblem(format.MetaName) {
			r.problem(format.MetaName, walcore.KindMeta, "is missing: nothing is known but the entries")
		}
		return
	}
	m, err := r.readStableMeta()
	if err != nil {
		r.problem(format.MetaName, walcore.KindUnreadable, "cannot be read: %v", err)
		return
	}
	if len(m.Faults) > 0 && r.patient(before) && len(before.meta.Faults) == 0 && before.metaFile != nil {
		m = before.meta // the writer is between two stores
	}
	r.meta = m
}

// readStableMeta reads wal.meta until it reads the same twice.
func (r *Reader) readStableMeta() (m *meta.Meta, err error) {
	f := r.metaFile
	for range maxRetries {
		if m, err = meta.Read(f.f, f.Attr.Size); err != nil {
			return nil, err
		}
		if same, err := m.Same(f.f); err != nil || same {
			return m, err
		}
	}
	return m, nil
}

func (r *Reader) hasProblem(file string) bool {
	for _, p := range r.problems {
		if p.File == file {
			return true
		}
	}
	return false
}

func (r *Reader) openKeys(before *Reader) error {
	n := r.find(format.KeyRegistryName)
	if n == nil {
		r.keys = &keyRing{}
		if r.hasProblem(format.KeyRegistryName) {
			r.keys = unreadableRing()
		}
		return nil
	}
	if before != nil {
		if b := before.find(format.KeyRegistryName); b != nil && b.Attr == n.Attr {
			r.keys = before.keys
			r.problems = append(r.problems, r.keys.problems...)
			return nil
		}
	}
	raw := make([]byte, min(n.Attr.Size, format.MaxRegistry))
	if err := readFull(n.f, raw, 0); err != nil {
		r.problem(format.KeyRegistryName, walcore.KindUnreadable, "cannot be read: %v", err)
		r.keys = unreadableRing()
		return nil
	}
	ring, problems, err := openKeyRing(raw, r.opts.Key)
	if err != nil {
		return err
	}
	ring.problems = problems
	r.problems = append(r.problems, problems...)
	r.keys = ring
	return nil
}

func (r *Reader) readLogFiles(before *Reader) []*LogFile {
	for _, n := range r.native {
		if id, ok := format.ParseFileName(n.Name); ok {
			r.newest = max(r.newest, id)
		}
	}
	var files []*LogFile
	for _, n := range r.native {
		id, ok := format.ParseFileName(n.Name)
		if !ok {
			continue
		}
		f, err := r.readLogFile(id, n, id == r.newest, before)
		if err != nil {
			r.unreadable(n.Name, "cannot be read", err)
			continue
		}
		if r.cutShort(f, before.logFile(n), before) {
			r.unread = append(r.unread, id)
		}
		files = append(files, f)
	}
	return files
}

// readLogFile reads a file's slots, or takes them from an earlier reader. Only
// the newest file changes: a rewrite that reaches back deletes the later ones.
// That is what a node does; others change the file's time.
func (r *Reader) readLogFile(id uint64, n *nativeFile, newest bool, before *Reader) (*LogFile, error) {
	old := before.logFile(n)
	var table *slotTable
	if old != nil && !newest && old.Attr.Size == n.Attr.Size && old.Attr.Mtime.Equal(n.Attr.Mtime) && !old.mixed && old.endsTheSameIn(n.f) {
		table = old.slotTable
	} else {
		var err error
		if table, err = r.readStableTable(n, newest, before); err != nil {
			return nil, err
		}
	}
	f, err := newLogFile(id, n.f, n.Attr, table)
	if err == nil && old != nil {
		f.Identity = old.Identity
		if !old.sized.Load() {
			old = old.before.Load()
		}
		if old.emptiedSince() {
			f.Identity += 1 << 48 // sizes from before hold no longer
		} else {
			f.before.Store(old)
		}
	}
	return f, err
}

// logFile finds the file that an earlier reader opened.
func (r *Reader) logFile(n *nativeFile) *LogFile {
	if r == nil {
		return nil
	}
	for _, f := range r.log.files {
		if f.f == n.f {
			return f
		}
	}
	return nil
}

// maxRetries bounds how often something is read again that a writer is at.
const maxRetries = 5

// readStableTable reads the slots of a file that may be written to meanwhile: what
// is half done this moment is left out, or, at rest, found to be damage. A file
// that is not the newest becomes it again when a rewrite reaches back.
func (r *Reader) readStableTable(n *nativeFile, newest bool, before *Reader) (*slotTable, error) {
	for try := 0; ; try++ {
		table, err := readTable(n.f, n.Attr.Size)
		if err != nil {
			return nil, err
		}
		if newest {
			// After the table: the file grows before a slot points there.
			if n.Attr, err = n.f.Stat(); err != nil {
				return nil, err
			}
		}
		// Only the newest file may be unfinished.
		table.mixed = !table.unchangedIn(n.f)
		switch {
		case !table.mixed && (!newest || !table.halfWritten()):
			return table, nil
		case try < maxRetries && (table.mixed || before == nil):
			time.Sleep(time.Millisecond)
			continue
		}
		if newest && !before.gaveUp(n, table) && r.patient(before) {
			return table.withoutHalfWritten(), nil
		}
		return table, nil
	}
}

// gaveUp reports whether an earlier reader has lost its patience with a table.
func (r *Reader) gaveUp(n *nativeFile, table *slotTable) bool {
	old := r.logFile(n)
	return old != nil && old.Len() == table.Len() && old.halfWritten() && table.extends(old.slotTable)
}

// patience is how long what a writer has left half done is taken for work in
// progress: a process can be stopped between two stores.
const patience = time.Second

// patient takes note that something is unfinished, and reports whether it may
// yet be finished. A first look, by OpenReader, has no patience; when a later
// one loses it, what it has found is the directory's state, until that changes.
func (r *Reader) patient(before *Reader) bool {
	if before == nil {
		return false
	}
	since := before.unfinished
	if since.IsZero() {
		since = time.Now()
	}
	if time.Since(since) >= patience {
		return false
	}
	r.unfinished = since
	return true
}

// seal settles how a file's payloads are read.
func (r *Reader) seal(f *LogFile) {
	report := func(kind walcore.Kind, message string) {
		f.problems.add(walcore.Problem{File: f.Name, Slot: -1, Offset: format.KeyHeaderAt, Kind: kind, Message: message})
	}
	switch h := f.Header; {
	case f.Len() == 0 || f.Attr.Size < format.PayloadAt: // there are no payloads
	case h.KeyID == 0 && h.BaseIV == [8]byte{} && !r.keys.there:
	case h.KeyID == 0 && r.opts.Plain:
	case h.KeyID == 0:
		f.sealErr = fmt.Errorf("key id 0 in a directory with a %s: %w", format.KeyRegistryName, walcore.ErrDataKey)
		report(walcore.KindKeyErased, "key id 0, but the directory has a "+format.KeyRegistryName+": the file is plain, or a rewrite has erased "+
			"its key id; --plain shows its payloads as they are")
	default:
		f.seal, f.sealErr = r.keys.block(h.KeyID)
		switch {
		case errors.Is(f.sealErr, walcore.ErrSealed):
			report(walcore.KindNoKey, "the payloads are sealed: give the node's key with --key-file")
		case f.sealErr != nil:
			report(walcore.KindDataKey, fmt.Sprintf("the payloads are sealed: %v", f.sealErr))
		}
	}
}

// Sealed reports why the file's payloads cannot be read, or nil.
func (l *LogFile) Sealed() error { return l.sealErr }
