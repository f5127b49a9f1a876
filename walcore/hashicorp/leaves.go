package hashicorp

import (
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/walfs/walfs/walcore/bolt"
)

// leaves is what leaves of raft.db hold. It is added to what was read before when its turn
// comes.
type leaves struct {
	r  *boltReading
	db *bolt.DB
	table
	damaged []damagedValue
	n       int // how many leaves
}

// damagedValue is one that cannot be taken apart.
type damagedValue struct {
	index uint64
	at    int64
	err   error
}

// errKey says that a key in the bucket of entries is none of theirs.
var errKey = errors.New("its key is no index")

// Read reads the entries of a leaf, from element i on.
func (l *leaves) Read(p bolt.Page, i int) {
	for ; i < p.Count; i++ {
		key, value, at := p.Element(i)
		if len(key) != 8 || p.IsBucket(i) {
			l.damaged = append(l.damaged, damagedValue{number(key), at, errKey})
			continue
		}
		index := number(key)
		term, s, err := l.read(index, value)
		if err != nil {
			l.damaged = append(l.damaged, damagedValue{index, at, err})
			continue
		}
		s.at = at
		l.add(index, term, s)
	}
	l.n++
}

// read takes the value of an entry apart.
func (l *leaves) read(index uint64, value []byte) (term uint64, s slot, err error) {
	stored, term, s, ok := usualSlot(value)
	if ok && stored == index && index != 0 && term != 0 { // else something is amiss: what?
		s.sum = crc32.Checksum(value, castagnoli)
		return term, s, nil
	}
	r, s, err := newSlot(0, value, parseMsgpack)
	if err == nil && r.index != index {
		err = fmt.Errorf("it says that it is entry %d", r.index)
	}
	return r.term, s, err
}

// Take adds what was read.
func (l *leaves) Take() error {
	r, n := l.r, l.n
	for _, d := range l.damaged {
		r.damages = addDamage(r.damages, r.certain.damages, boltName, d.index, d.at, d.err)
	}
	r.addAll(&l.table)
	l.Drop()
	if r.leaves += n; r.leaves < r.most {
		return nil
	}
	return r.look(l.db)
}

// Drop forgets what was read.
func (l *leaves) Drop() {
	clear(l.damaged)
	l.slots, l.spans, l.damaged, l.n = l.slots[:0], l.spans[:0], l.damaged[:0], 0
}
