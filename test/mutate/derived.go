//go:build linux

package mutate

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/backup"
	"github.com/walfs/walfs/walcore/check"
	"github.com/walfs/walfs/walcore/dgraph"
	"github.com/walfs/walfs/walcore/repair"
	"github.com/walfs/walfs/walcore/storage"
)

// What can fail of check, copy and repair.
const (
	failCheck  Failure = "check calls a damaged directory sound"
	failCopy   Failure = "a copy is not sound, or has wrong entries"
	failRepair Failure = "what repair writes is not sound, or has wrong entries"
)

// derive checks the damaged directory, copies it and repairs it. What is written must
// be sound, open for writing, and hold no wrong entry.
func (x *expectation) derive(o *outcome) error {
	reader := func() *dgraph.Reader {
		r, err := dgraph.OpenReader(x.dir, dgraph.ReaderOptions{Key: x.base.Key})
		if err != nil {
			return nil // that is an answer
		}
		return r
	}
	r := reader()
	if r == nil {
		return nil
	}
	defer r.Close()
	report, err := check.Run(context.Background(), r, check.Options{})
	if err == nil && report.Sound && o.detectable {
		o.fail(failCheck, "%s; %v%v", report.Verdict, x.seen, x.onReading)
	}
	out := x.dir + ".out"
	defer os.RemoveAll(out)
	// Where there is no image of what is on disk, a copy waits for a node to go on.
	if _, err := r.Image(); err == nil {
		if c, err := backup.ToFolder(context.Background(), reader(), out, backup.Options{}); err == nil {
			c.Log.Close()
			if len(c.Problems) == 0 {
				x.examine(o, failCopy, out)
			}
		}
	}
	if err := os.RemoveAll(out); err != nil {
		return err
	}
	plan, err := repair.New(context.Background(), r, repair.Options{Key: x.base.Key})
	if err != nil || plan.Sound {
		return nil
	}
	if err := plan.Write(context.Background(), out); err != nil {
		o.fail(failRepair, "it cannot be written: %v", err)
		return nil
	}
	x.examine(o, failRepair, out)
	return leftOver(out)
}

// examine reads a directory that was made of the damaged one.
func (x *expectation) examine(o *outcome, what Failure, dir string) {
	r, err := dgraph.OpenReader(dir, dgraph.ReaderOptions{Key: x.base.Key})
	if err != nil {
		o.fail(what, "it does not open: %v", err)
		return
	}
	defer r.Close()
	if p := r.Problems(); len(p) > 0 {
		o.fail(what, "%v", p)
	}
	var payloads walcore.Scanner
	for e := range r.Entries(0) {
		data, err := dataOf(&payloads, &e)
		if err != nil {
			o.fail(what, "entry %d: %v", e.Index, err)
			continue
		}
		if why := x.wrong(e.Index, truth{e.Term, e.Type, data, e.File.Name}); why != "" {
			o.fail(what, "entry %d: %s", e.Index, why)
		}
	}
	s, err := storage.Open(dir, storage.Options{Key: x.base.Key, DryRun: true, Logger: quiet})
	if err != nil {
		o.fail(what, "it does not open for writing: %v", err)
		return
	}
	s.Close()
}

// leftOver fails if there is anything beside a directory that was written.
func leftOver(out string) error {
	list, err := filepath.Glob(filepath.Join(filepath.Dir(out), "."+filepath.Base(out)+"*"))
	if err == nil && len(list) > 0 {
		err = errors.New(list[0] + " is left behind")
	}
	return err
}
