package dgraph

import (
	"container/list"
	"sync"
	"sync/atomic"

	"github.com/walfs/walfs/walcore/platform"
)

// filePool bounds how many files are open at the same time. Where all of a directory's
// fit, they stay open from when they were listed on, so that what a node deletes can
// still be read. Where they do not, the one that was not read for longest is closed, and
// opened again when somebody reads it.
type filePool struct {
	most int

	mu      sync.Mutex // protects the rest
	changed *sync.Cond // open or listed has changed
	open    int        // how many are open, or about to be
	listed  list.List  // *pooledFile: those that can be closed, the next one first

	// starved is the last error of a file that could not be opened for want of
	// descriptors, though all others were closed; nil: there was none. A reader may have
	// taken what it could not read for damage.
	starved atomic.Pointer[platform.TooManyOpenError]
}

func newFilePool(most int) *filePool {
	p := &filePool{most: max(most, 1)}
	p.changed = sync.NewCond(&p.mu)
	return p
}

// processFiles gives the pool of all readers: the limit is the process's. What a program
// has open in any case is left out, and half of the rest is for everything else.
var processFiles = sync.OnceValue(func() *filePool { return newFilePool((platform.OpenLimit() - alwaysOpen) / 2) })

// alwaysOpen is about how many files a program has open that reads one log: its three
// streams, the runtime's own, the directory, and a mount.
const alwaysOpen = 16

// Starved is the last error of a log file that could not be opened because this process,
// or the system, had too many files open; nil if there was none. What a Log says of
// damage then need not be true.
func Starved() error {
	if err := processFiles().starved.Load(); err != nil {
		return err
	}
	return nil
}

// openIn opens a file. Somebody else in the process may have taken descriptors that the
// pool had counted on: then it does with fewer.
func (p *filePool) openIn(dir directory, name string) (file, error) {
	for most := p.most; ; {
		p.takePlace(most)
		f, err := dir.Open(name)
		if err == nil {
			return f, nil
		}
		left := p.freePlace()
		if !platform.IsTooManyOpen(err) {
			return nil, err
		}
		if left == 0 {
			starved := &platform.TooManyOpenError{Err: err}
			p.starved.Store(starved)
			return nil, starved
		}
		most = min(most, left)
	}
}

// takePlace closes files until fewer than most are open, and counts one more. Who waits
// in it has no file that is listed, so that all that are can be closed.
func (p *filePool) takePlace(most int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.open >= most {
		f := p.takeLeastRead()
		if f == nil { // all are about to be opened or closed
			p.changed.Wait()
			continue
		}
		p.mu.Unlock()
		f.closeForNow()
		p.mu.Lock()
	}
	p.open++
}

// freePlace counts one less, and gives how many are left.
func (p *filePool) freePlace() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open--
	p.changed.Broadcast()
	return p.open
}

// takeLeastRead takes the file from the list that is to be closed next, or gives nil. One
// that was read since it was last looked at goes to the end.
func (p *filePool) takeLeastRead() *pooledFile {
	for range p.listed.Len() {
		first := p.listed.Front()
		if !first.Value.(*pooledFile).read.Swap(false) {
			break
		}
		p.listed.MoveToBack(first)
	}
	first := p.listed.Front()
	if first == nil {
		return nil
	}
	f := p.listed.Remove(first).(*pooledFile)
	f.place = nil
	return f
}

// add lists a file that was opened.
func (p *filePool) add(f *pooledFile) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f.place = p.listed.PushBack(f)
	p.changed.Broadcast()
}

// remove takes a file from the list that was closed.
func (p *filePool) remove(f *pooledFile) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if f.place != nil {
		p.listed.Remove(f.place)
		f.place = nil
	}
	p.open--
	p.changed.Broadcast()
}
