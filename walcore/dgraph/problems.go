package dgraph

import (
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
	"github.com/walfs/walfs/walcore/platform"
)

// Problems lists everything that is wrong with the directory. It reads each
// payload's length, not the payloads.
func (r *Reader) Problems() []walcore.Problem {
	r = r.now()
	// From the first file on: what a file's sizes mean may depend on those before it.
	found := make([][]walcore.Problem, len(r.files))
	platform.InParallel(len(r.files), func(i int) { found[i] = r.files[i].listProblems() })
	if now := r.now(); now != r {
		return now.Problems()
	}
	return r.withOthers(found)
}

// Found lists what is wrong as far as it is known without looking at more log files.
func (r *Reader) Found() []walcore.Problem {
	if r = r.now(); r.Checked() {
		return r.Problems()
	}
	found := make([][]walcore.Problem, len(r.files))
	for i, f := range r.files {
		if f.kept != nil {
			found[i] = f.listProblems()
		} else {
			found[i], _ = f.foundProblems()
		}
	}
	return r.withOthers(found)
}

// withOthers puts what was found in each log file between the problems of the directory.
func (r *Reader) withOthers(found [][]walcore.Problem) []walcore.Problem {
	problems := append([]walcore.Problem(nil), r.problems...)
	for _, f := range r.meta.Faults {
		kind := walcore.KindMeta
		if f.Snapshot {
			kind = walcore.KindSnapshot
		}
		problems = append(problems, walcore.FileProblem(format.MetaName, kind, f.Message).At(f.Offset))
	}
	for _, list := range found {
		problems = append(problems, list...)
	}
	return append(problems, r.contradictions()...)
}
