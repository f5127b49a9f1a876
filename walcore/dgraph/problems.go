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
	for _, f := range r.files {
		f.loadSizes()
		problems = append(problems, f.problems.all()...)
		problems = append(problems, f.sizesProblems.all()...)
	}
	return append(problems, r.contradictions()...)
}
