package dgraph

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/walfs/walfs/meta"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
	"github.com/walfs/walfs/walcore/platform"
)

// openFiles opens what belongs to the log and names what does not.
func (r *reading) openFiles() error {
	r.listed = time.Now()
	entries, err := r.follower.dir.List()
	if err != nil {
		return err
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	found := false
	for _, e := range entries {
		name := e.Name()
		id, isLog := format.ParseFileName(name)
		if !isLog && name != format.MetaName && name != format.KeyRegistryName {
			r.ignored = append(r.ignored, name)
			continue
		}
		found = found || name != format.KeyRegistryName
		if !e.Type().IsRegular() {
			r.ignored = append(r.ignored, name)
			r.report(name, walcore.KindNotAFile, "is a %s, not a regular file: left alone", platform.TypeName(e.Type()))
			continue
		}
		if r.openNative(name) && isLog {
			r.newest = max(r.newest, id)
		}
	}
	if !found {
		return fmt.Errorf("%s: neither %s nor a log file (00001.wal, …) is in it: %w", r.follower.path, format.MetaName, walcore.ErrNotRaftDir)
	}
	return nil
}

// openNative opens a file, or takes it from the look before if it is the same.
func (r *reading) openNative(name string) (ok bool) {
	if n := findNative(r.previous.native, name); n != nil {
		if attr, err := r.follower.dir.StatIn(name); err == nil && sameFile(attr, n.Attr) {
			r.native = append(r.native, &nativeFile{Name: name, Attr: attr, f: n.f})
			return true
		}
	}
	f, err := r.follower.dir.Open(name)
	if err != nil {
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		r.reportUnreadable(name, "cannot be opened", err)
		return false
	}
	attr, err := f.Stat()
	if err == nil && !attr.Regular {
		err = errors.New("is no regular file any more")
	}
	if err != nil {
		r.reportUnreadable(name, "cannot be opened", err)
		f.Close() // it was not read
		return false
	}
	r.native = append(r.native, &nativeFile{Name: name, Attr: attr, f: f})
	return true
}

// reported reports whether there is a problem with a file already.
func (r *reading) reported(file string) bool {
	return slices.ContainsFunc(r.problems, func(p walcore.Problem) bool { return p.File == file })
}

func (r *reading) readMeta() {
	r.meta = &meta.Meta{}
	r.metaFile = findNative(r.native, format.MetaName)
	if r.metaFile == nil {
		if !r.reported(format.MetaName) {
			r.report(format.MetaName, walcore.KindMeta, "is missing: nothing is known but the entries")
		}
		return
	}
	m, err := r.readStableMeta()
	if err != nil {
		r.report(format.MetaName, walcore.KindUnreadable, "cannot be read: %v", err)
		return
	}
	if len(m.Faults) > 0 && r.stillSettling() && r.previous.meta != nil {
		m = r.previous.meta // the writer is between two stores
	}
	r.meta = m
}

// readStableMeta reads wal.meta until it reads the same twice.
func (r *reading) readStableMeta() (m *meta.Meta, err error) {
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
