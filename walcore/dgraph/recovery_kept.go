package dgraph

import "github.com/walfs/walfs/walcore"

// Recovery is what opening a directory for writing makes of it: the log that is kept,
// and what goes.
type Recovery struct {
	Files   []KeptFile        // the log, in its order; all but the last one whole
	Removed []walcore.Problem // files that go: without entries, or replaced by the snapshot
	Dropped []walcore.Problem // what is cut from the end of the last file
}

// KeptFile is a log file, or its beginning.
type KeptFile struct {
	*LogFile
	Slots int   // how many, from slot 0 on, are kept
	End   int64 // where the last of their payloads ends, in the file
}

// Recovery keeps all slots of all files.
func (r *Reader) Recovery() (*Recovery, error) {
	rec := &Recovery{}
	for _, f := range r.files {
		f.loadSizes()
		k := KeptFile{LogFile: f, Slots: f.Len()}
		if k.Slots == 0 {
			rec.Removed = append(rec.Removed, walcore.FileProblem(f.Name, walcore.KindReplaced, "no entries"))
			continue
		}
		size, _ := f.sizes.at(k.Slots - 1)
		k.End = int64(f.Offset(k.Slots-1)) + 4 + int64(size)
		rec.Files = append(rec.Files, k)
	}
	return rec, nil
}
