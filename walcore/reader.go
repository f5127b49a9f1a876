// Package walcore reads and writes the directory in which Dgraph keeps its
// Raft log: wal.meta, the log files NNNNN.wal, and KEYREGISTRY.
//
// # Reading
//
//	r, err := walcore.OpenReader("/var/lib/dgraph/w", walcore.ReaderOptions{})
//	…
//	defer r.Close()
//	for e := range r.Log().Entries(1) {
//		data, err := e.Data()
//		…
//	}
//
// A Reader opens files for reading only, leaves no access time where the
// kernel allows that, takes no lock, maps nothing into memory and creates
// nothing in the directory. It shows the directory as it was when it was
// opened. What a running node has changed since gives an error when it is
// read, never other bytes.
//
// Damage does not stop a Reader: a slot or payload that cannot be right is
// left out and listed in Problems, and everything else can be read. Memory
// grows with the log files' slot tables (at most 1 MiB a file), never by a
// length that the directory claims.
package walcore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sort"

	"github.com/walfs/walfs/meta"
	"golang.org/x/sys/unix"
)

// ReaderOptions say how payloads are read.
type ReaderOptions struct {
	// Key opens KEYREGISTRY: 16, 24 or 32 bytes, or none.
	Key []byte
	// Plain takes a file with key id 0 for a plain one even beside a registry
	// that holds keys.
	Plain bool
}

// Reader is an open directory.
type Reader struct {
	Path    string
	Attr    Attr     // of the directory
	Ignored []string // names in it that are no part of the log

	dir      *os.File
	native   []*NativeFile
	meta     *meta.Meta
	metaFile *NativeFile // nil: there is none
	log      *Log
	problems []Problem // of the directory, not of a log file
}

// NativeFile is one of the directory's own files, as it was when opened.
type NativeFile struct {
	Name string
	Attr Attr
	f    *os.File
}

// ReadAt reads the file's bytes. Attr.Size bounds it: a file that has been cut
// since fails with ErrChanged.
func (n *NativeFile) ReadAt(p []byte, off int64) (int, error) {
	err := readFull(n.f, p, off)
	if err != nil {
		return 0, &Error{File: n.Name, Slot: -1, Offset: uint64(off), Err: err}
	}
	return len(p), nil
}

// OpenReader opens the directory at path. It fails with ErrNotRaftDir, with
// ErrKey, and where the directory itself cannot be read.
func OpenReader(path string, opts ReaderOptions) (_ *Reader, err error) {
	if len(opts.Key) > 0 {
		if err := checkKey("the key", opts.Key); err != nil {
			return nil, err
		}
	}
	dir, err := openReadOnly(unix.AT_FDCWD, path, unix.O_DIRECTORY)
	if err != nil {
		return nil, err
	}
	r := &Reader{Path: path, dir: dir}
	defer func() {
		if err != nil {
			r.Close()
		}
	}()
	if r.Attr, err = statFile(dir); err != nil {
		return nil, err
	}
	if err := r.openFiles(); err != nil {
		return nil, err
	}
	ring, err := r.openKeys(opts.Key)
	if err != nil {
		return nil, err
	}
	if err := r.readMeta(); err != nil {
		return nil, err
	}
	var snapshot uint64
	if r.meta.SnapshotIndex != nil {
		snapshot = *r.meta.SnapshotIndex
	}
	r.log = newLog(r.readLogFiles(), snapshot)
	for _, f := range r.log.files {
		r.seal(f, ring, opts.Plain)
	}
	return r, nil
}

// Close closes the directory's files.
func (r *Reader) Close() error {
	err := r.dir.Close()
	for _, n := range r.native {
		err = errors.Join(err, n.f.Close())
	}
	return err
}

// Log gives the entries.
func (r *Reader) Log() *Log { return r.log }

// Meta gives the metadata; all its fields are nil where there is no wal.meta.
func (r *Reader) Meta() *meta.Meta { return r.meta }

// Native gives the directory's own files, by name.
func (r *Reader) Native() []*NativeFile { return r.native }

func (r *Reader) problem(file string, kind Kind, format string, args ...any) {
	r.problems = append(r.problems, Problem{File: file, Slot: -1, Kind: kind, Message: fmt.Sprintf(format, args...)})
}

// openFiles opens what belongs to the log and names what does not.
func (r *Reader) openFiles() error {
	entries, err := r.dir.ReadDir(-1)
	if err != nil {
		return err
	}
	sort.Slice(entries, func(i, j int) bool { return entries[i].Name() < entries[j].Name() })
	found := false
	for _, e := range entries {
		name := e.Name()
		if _, isLog := ParseFileName(name); !isLog && name != MetaName && name != KeyRegistryName {
			r.Ignored = append(r.Ignored, name)
			continue
		}
		found = found || name != KeyRegistryName
		if e.Type().IsRegular() {
			r.openNative(name)
			continue
		}
		r.Ignored = append(r.Ignored, name)
		r.problem(name, KindNotAFile, "is a %s, not a regular file: left alone", typeName(e.Type()))
	}
	if !found {
		return fmt.Errorf("%s: neither %s nor a log file (00001.wal, …) is in it: %w", r.Path, MetaName, ErrNotRaftDir)
	}
	return nil
}

func typeName(t fs.FileMode) string {
	switch {
	case t.IsDir():
		return "folder"
	case t&fs.ModeSymlink != 0:
		return "symbolic link"
	}
	return "device or pipe"
}

func (r *Reader) openNative(name string) {
	f, err := openReadOnly(int(r.dir.Fd()), name, unix.O_NOFOLLOW)
	if err != nil {
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		r.problem(name, KindUnreadable, "cannot be opened: %v", err)
		return
	}
	attr, err := statFile(f)
	if err == nil && !attr.regular {
		err = errors.New("is no regular file any more")
	}
	if err != nil {
		r.problem(name, KindUnreadable, "%v", err)
		f.Close()
		return
	}
	r.native = append(r.native, &NativeFile{Name: name, Attr: attr, f: f})
}

func (r *Reader) find(name string) *NativeFile {
	for _, n := range r.native {
		if n.Name == name {
			return n
		}
	}
	return nil
}

// MetaFile is wal.meta, or nil.
func (r *Reader) MetaFile() *NativeFile { return r.metaFile }

func (r *Reader) readMeta() error {
	r.meta = &meta.Meta{}
	r.metaFile = r.find(MetaName)
	if r.metaFile == nil {
		if !r.hasProblem(MetaName) {
			r.problem(MetaName, KindMeta, "is missing: nothing is known but the entries")
		}
		return nil
	}
	m, err := meta.Read(r.metaFile.f, r.metaFile.Attr.Size)
	if err != nil {
		r.problem(MetaName, KindUnreadable, "cannot be read: %v", err)
		return nil
	}
	r.meta = m
	return nil
}

func (r *Reader) hasProblem(file string) bool {
	for _, p := range r.problems {
		if p.File == file {
			return true
		}
	}
	return false
}

func (r *Reader) openKeys(key []byte) (*keyRing, error) {
	n := r.find(KeyRegistryName)
	if n == nil {
		if r.hasProblem(KeyRegistryName) {
			// It is there and cannot be read: no file may pass for plain.
			return &keyRing{records: 1, sealed: ErrDataKey}, nil
		}
		return &keyRing{}, nil
	}
	raw := make([]byte, min(n.Attr.Size, maxRegistry))
	if err := readFull(n.f, raw, 0); err != nil {
		return nil, fmt.Errorf("%s: %w", KeyRegistryName, err)
	}
	ring, problems, err := openKeyRing(raw, key)
	r.problems = append(r.problems, problems...)
	return ring, err
}

func (r *Reader) readLogFiles() []*LogFile {
	var files []*LogFile
	for _, n := range r.native {
		id, ok := ParseFileName(n.Name)
		if !ok {
			continue
		}
		f, err := newLogFile(id, n.f, n.Attr)
		if err != nil {
			r.problem(n.Name, KindUnreadable, "cannot be read: %v", err)
			continue
		}
		files = append(files, f)
	}
	return files
}

// seal settles how a file's payloads are read.
func (r *Reader) seal(f *LogFile, ring *keyRing, plain bool) {
	report := func(kind Kind, message string) {
		f.problems.add(Problem{File: f.Name, Slot: -1, Offset: KeyHeaderAt, Kind: kind, Message: message})
	}
	switch h := f.Header; {
	case f.Slots() == 0:
	case h.KeyID == 0 && h.BaseIV == [8]byte{} && ring.records == 0:
	case h.KeyID == 0 && plain:
	case h.KeyID == 0:
		f.sealErr = fmt.Errorf("key id 0 in a directory that has data keys: %w", ErrDataKey)
		report(KindKeyErased, "key id 0, but the directory has data keys: the file is plain, or a rewrite has erased "+
			"its key id; --plain shows its payloads as they are")
	default:
		f.seal, f.sealErr = ring.block(h.KeyID)
		switch {
		case errors.Is(f.sealErr, ErrSealed):
			report(KindNoKey, "the payloads are sealed: give the node's key with --key-file")
		case f.sealErr != nil:
			report(KindDataKey, fmt.Sprintf("the payloads are sealed: %v", f.sealErr))
		}
	}
}

// Sealed reports why the file's payloads cannot be read, or nil.
func (l *LogFile) Sealed() error { return l.sealErr }
