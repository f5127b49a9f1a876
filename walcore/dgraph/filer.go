package dgraph

import (
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

// Files are the log files, in the log's order; those without entries last.
func (r *Reader) Files() []*walcore.File {
	r = r.now()
	files := make([]*walcore.File, len(r.files))
	for i, f := range r.files {
		files[i] = f.File
	}
	return files
}

// Native are wal.meta, the log files and KEYREGISTRY, as far as they can be
// opened.
func (r *Reader) Native() []walcore.NativeFile {
	files := make([]walcore.NativeFile, len(r.native))
	for i, n := range r.native {
		files[i] = walcore.NativeFile{Name: n.Name, Attr: n.Attr, Written: r.writtenTo(n.Name), ReaderAt: n}
	}
	return files
}

// writtenTo reports whether a running node stores to a file through a mapping.
func (r *Reader) writtenTo(name string) bool {
	id, isLog := format.ParseFileName(name)
	return name == format.MetaName || isLog && id >= r.newest
}
