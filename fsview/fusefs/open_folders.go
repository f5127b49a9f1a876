//go:build linux

package fusefs

import (
	"fmt"
	"os"
	"sync"
)

// openFolders decide which names the kernel is given with attributes.
//
// A name with attributes costs the kernel an inode, some 5 µs. A name alone costs a tenth
// of that, but a LOOKUP, some 35 µs, as soon as a program looks at it. Nothing that the
// kernel sends tells in time which will be cheaper: find and grep -r read 100,000 names
// before they look at the first, cp and a shell's * read all. So names have attributes,
// whatever program asks, but for one. ls either looks at each name before it reads on, as
// ls -l does, or at none. In a large folder it gets a name without attributes now and
// then. If no LOOKUP has come when it reads on, it gets names alone until one comes.
type openFolders struct {
	mu      sync.Mutex // protects what follows, and all openFolder
	last    uint64     // handle
	listers map[uint64]*lister
	folders map[uint64]*openFolder // the open ones, and those with a list of names alone
}

// lister is what a program that has a folder open was given. Its mutex is held while an
// answer is made, and protects all of it.
type lister struct {
	mu     sync.Mutex
	folder *openFolder
	// alone says that names come alone now.
	alone bool
	// names is how many have come with attributes since one came without.
	names int
	// tested says that a name of the last answer came without. lookups is how many
	// LOOKUPs there had been in the folder then.
	tested  bool
	lookups uint64
}

type openFolder struct {
	listers int
	lookups uint64
	// namesAlone says that the kernel may have cached a list of it that came without
	// attributes, and late is how many LOOKUPs there were since then.
	namesAlone bool
	late       int
}

const (
	// testEvery is how many names come with attributes for one that comes without. So
	// all names of a smaller folder have them.
	testEvery = 1000
	// maxLate is how many names of a cached list may be looked up before the rest of
	// the list comes anew, with attributes.
	maxLate = 16
	// maxRemembered bounds the folders that are remembered when nobody has them open.
	maxRemembered = 4096
)

func newOpenFolders() openFolders {
	return openFolders{listers: map[uint64]*lister{}, folders: map[uint64]*openFolder{}}
}

// open gives a program a handle of a folder. keep says that the list of it that the
// kernel has cached will do.
func (o *openFolders) open(node uint64, pid uint32) (handle uint64, keep bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	folder := o.folders[node]
	if folder == nil {
		folder = &openFolder{}
		o.folders[node] = folder
	}
	keep = !folder.namesAlone || isLS(pid)
	folder.namesAlone = folder.namesAlone && keep
	folder.listers++
	o.last++
	o.listers[o.last] = &lister{folder: folder}
	return o.last, keep
}

func (o *openFolders) close(node, handle uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	l := o.listers[handle]
	if l == nil {
		return
	}
	delete(o.listers, handle)
	l.folder.listers--
	if l.folder.listers == 0 && (!l.folder.namesAlone || len(o.folders) > maxRemembered) {
		delete(o.folders, node)
	}
}

// noteLookup takes note of a LOOKUP in a folder. outdated says that a program looks at the
// names of a list that came without attributes: the kernel should drop it.
func (o *openFolders) noteLookup(node uint64) (outdated bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	folder := o.folders[node]
	if folder == nil || folder.listers == 0 {
		return false
	}
	folder.lookups++
	if !folder.namesAlone {
		return false
	}
	folder.late++
	folder.namesAlone = folder.late < maxLate
	return !folder.namesAlone
}

// begin is called before an answer to a handle is made, and gives its lister, locked. It
// is nil if there is no such handle.
func (o *openFolders) begin(handle uint64) *lister {
	o.mu.Lock()
	l := o.listers[handle]
	o.mu.Unlock()
	if l == nil {
		return nil
	}
	l.mu.Lock()
	o.mu.Lock()
	defer o.mu.Unlock()
	if l.tested {
		l.alone = l.folder.lookups == l.lookups
	}
	l.tested, l.lookups = l.alone, l.folder.lookups
	if l.alone && !l.folder.namesAlone {
		l.folder.namesAlone, l.folder.late = true, 0
	}
	return l
}

// takesAttributes reports whether the next name is to have attributes.
func (l *lister) takesAttributes(pid uint32) bool {
	if l.alone {
		return false
	}
	l.names++
	if l.names < testEvery {
		return true
	}
	l.names = 0
	l.tested = isLS(pid)
	return !l.tested
}

// isLS reports whether a process is ls. One of which that cannot be told is not. Its name
// can be read while it waits for an answer.
func isLS(pid uint32) bool {
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	return err == nil && string(name) == "ls\n"
}
