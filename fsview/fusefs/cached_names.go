//go:build linux

package fusefs

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/walfs/walfs/fsview"
)

// cachedNames are the names that the kernel may have cached. To invalidate all that a
// change makes wrong would take a system call for each entry, most of which nobody has
// looked at.
type cachedNames struct {
	mu sync.Mutex // protects what follows
	// all has each folder that was listed or looked into, and the range of indexes
	// of the entries in it whose names the kernel was given. sinceChange has what was
	// given since the last change; beforeChange what was given between the two last.
	all, sinceChange, beforeChange indexRanges
	// unlisted are names that no list has, given since the last change: short ones,
	// and names of nothing. invalidated are those that the last pass invalidated.
	unlisted, invalidated map[cachedName]struct{}
}

type cachedName struct {
	folder uint64
	name   string
}

// indexRange has both its ends; the zero value is empty.
type indexRange struct{ first, last uint64 }

// indexRanges are the ranges of folders.
type indexRanges map[uint64]indexRange

const (
	// maxUnlisted bounds the unlisted names that the kernel may cache.
	maxUnlisted = 4096
	// maxFolders bounds the folders that have a range each. All others share
	// the one of otherFolders.
	maxFolders   = 4096
	otherFolders = 0
)

func newCachedNames() cachedNames {
	return cachedNames{all: indexRanges{}, sinceChange: indexRanges{}, beforeChange: indexRanges{},
		unlisted: map[cachedName]struct{}{}}
}

// add notes that the kernel was given the names of entries in a folder. An empty range
// says that it has a list of the folder.
func (c *cachedNames) add(folder uint64, entries indexRange) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all.widen(folder, entries)
	c.sinceChange.widen(folder, entries)
}

func (r indexRanges) widen(folder uint64, by indexRange) {
	old, known := r[folder]
	if !known && len(r) >= maxFolders {
		folder = otherFolders
		old, known = r[folder]
	}
	switch {
	case !known || old.last == 0:
	case by.last == 0:
		by = old
	default:
		by = indexRange{min(by.first, old.first), max(by.last, old.last)}
	}
	r[folder] = by
}

// hasIndex reports whether an entry's name in a folder may have been given.
func (r indexRanges) hasIndex(folder fsview.Node, index uint64) bool {
	for _, f := range [...]uint64{uint64(folder), otherFolders} {
		if s := r[f]; s.first <= index && index <= s.last {
			return true
		}
	}
	return false
}

// hasFolder reports whether anything of a folder may have been given.
func (r indexRanges) hasFolder(folder fsview.Node) bool {
	_, known := r[uint64(folder)]
	_, others := r[otherFolders]
	return known || others
}

// addUnlisted notes a name that no list has, and gives the time for which the kernel may
// cache it.
func (c *cachedNames) addUnlisted(folder uint64, name string) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.unlisted) >= maxUnlisted {
		return 0
	}
	c.unlisted[cachedName{folder, name}] = struct{}{}
	return untilInvalidated
}

// atChange gives what a change may have made wrong: any name that was ever given, and
// all unlisted ones. What is given from now on is noted anew.
func (c *cachedNames) atChange() (entries indexRanges, unlisted []cachedName) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.beforeChange, c.sinceChange = c.sinceChange, indexRanges{}
	return maps.Clone(c.all), c.takeUnlisted()
}

// secondTime gives what an answer from before the change may have brought to the kernel
// after it was invalidated: what was given since the change before the last.
func (c *cachedNames) secondTime() (entries indexRanges, unlisted []cachedName) {
	c.mu.Lock()
	defer c.mu.Unlock()
	entries = c.beforeChange
	for folder, r := range c.sinceChange {
		entries.widen(folder, r)
	}
	c.beforeChange = indexRanges{}
	return entries, c.takeUnlisted()
}

// takeUnlisted gives the unlisted names of this pass and of the one before.
func (c *cachedNames) takeUnlisted() (names []cachedName) {
	for _, of := range []map[cachedName]struct{}{c.unlisted, c.invalidated} {
		names = slices.AppendSeq(names, maps.Keys(of))
	}
	c.invalidated, c.unlisted = c.unlisted, map[cachedName]struct{}{}
	return names
}
