package dgraph

import (
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

// Problems lists everything that is wrong with the directory. It reads each
// payload's length, not the payloads.
func (r *Reader) Problems() []walcore.Problem {
	problems := append([]walcore.Problem(nil), r.problems...)
	for _, f := range r.meta.Faults {
		kind := walcore.KindMeta
		if f.Snapshot {
			kind = walcore.KindSnapshot
		}
		problems = append(problems, walcore.FileProblem(format.MetaName, kind, f.Message).At(f.Offset))
	}
	// From the first file on: what a file's sizes mean may depend on those before it.
	inParallel(len(r.files), func(i int) { r.files[i].loadSizes() })
	for _, f := range r.files {
		problems = append(problems, f.problems.all()...)
		problems = append(problems, f.sizesProblems.all()...)
	}
	return append(problems, r.contradictions()...)
}
