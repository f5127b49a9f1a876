package crashfs

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"maps"
	"math/rand"
	"os"
	"path/filepath"
	"slices"
)

// State is what a power loss could leave on disk: files by name.
type State map[string]Image

// Image is a file's content. Blocks that are not in the map are zeros.
type Image struct {
	Size   int64
	Block  int
	Blocks map[int64][]byte
}

// unit is something that is on disk or not: a block, a size or a name.
type unit struct {
	n     *inode
	block int64 // -1: the size
	name  string
}

func (c *Dir) units() []unit {
	var units []unit
	seen := map[*inode]bool{}
	for _, names := range []map[string]*inode{c.durable, c.now} {
		for _, name := range slices.Sorted(maps.Keys(names)) {
			n := names[name]
			if seen[n] {
				continue
			}
			seen[n] = true
			for _, k := range n.order {
				if !bytes.Equal(n.data[k], n.durable[k]) {
					units = append(units, unit{n: n, block: k})
				}
			}
			if n.size != n.durableSize {
				units = append(units, unit{n: n, block: -1})
			}
		}
	}
	all := maps.Clone(c.durable)
	maps.Copy(all, c.now)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if c.durable[name] != c.now[name] {
			units = append(units, unit{name: name})
		}
	}
	return units
}

// everyUpTo is how many units States combines in every way.
const everyUpTo = 8

// States calls f with states that a power loss at this moment could leave. A unit
// is a block, a size or a name that is not flushed. With at most 8 units, f gets
// every combination of them. With more, f gets about as many states as few says:
// none of the units, all of them, and for units chosen evenly: that one alone, all
// but that one, those before it, those after it. Combinations at random fill up
// the rest.
func (c *Dir) States(few int, random *rand.Rand, f func(State)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	units := c.units()
	done := map[string]bool{}
	emit := func(on func(i int) bool) {
		mask := make([]byte, len(units))
		for i := range mask {
			if on(i) {
				mask[i] = 1
			}
		}
		if !done[string(mask)] {
			done[string(mask)] = true
			f(c.state(units, mask))
		}
	}
	if n := len(units); n <= everyUpTo {
		for m := range 1 << n {
			emit(func(i int) bool { return m>>i&1 == 1 })
		}
		return
	}
	emit(func(int) bool { return false })
	emit(func(int) bool { return true })
	step := max(1, 4*len(units)/few)
	for k := random.Intn(step); k < len(units); k += step {
		emit(func(i int) bool { return i == k })
		emit(func(i int) bool { return i != k })
		emit(func(i int) bool { return i < k })
		emit(func(i int) bool { return i > k })
	}
	for range few {
		if len(done) >= few {
			return
		}
		emit(func(int) bool { return random.Intn(2) == 0 })
	}
}

func (c *Dir) state(units []unit, mask []byte) State {
	names := maps.Clone(c.durable)
	blocks := map[*inode]map[int64][]byte{}
	sizes := map[*inode]int64{}
	for i, u := range units {
		if mask[i] == 0 {
			continue
		}
		switch {
		case u.name != "":
			if n := c.now[u.name]; n != nil {
				names[u.name] = n
			} else {
				delete(names, u.name)
			}
		case u.block < 0:
			sizes[u.n] = u.n.size
		default:
			if blocks[u.n] == nil {
				blocks[u.n] = maps.Clone(u.n.durable)
			}
			blocks[u.n][u.block] = u.n.data[u.block]
		}
	}
	s := State{}
	for name, n := range names {
		img := Image{Size: n.durableSize, Block: c.block, Blocks: n.durable}
		if b := blocks[n]; b != nil {
			img.Blocks = b
		}
		if size, ok := sizes[n]; ok {
			img.Size = size
		}
		s[name] = img
	}
	return s
}

// Key is a hash of the state: states with different keys are different.
func (s State) Key(seed maphash.Seed) uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	num := func(v int64) {
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], uint64(v))
		h.Write(b[:])
	}
	for _, name := range slices.Sorted(maps.Keys(s)) {
		img := s[name]
		h.WriteString(name)
		num(img.Size)
		for _, k := range slices.Sorted(maps.Keys(img.Blocks)) {
			num(k)
			h.Write(img.Blocks[k])
		}
	}
	return h.Sum64()
}

// Write makes a directory with the state's files.
func (s State) Write(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	for name, img := range s {
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		for k, b := range img.Blocks {
			at := k * int64(img.Block)
			if n := min(int64(len(b)), img.Size-at); n > 0 {
				if _, err := f.WriteAt(b[:n], at); err != nil {
					return err
				}
			}
		}
		if err := f.Truncate(img.Size); err != nil {
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	return nil
}
