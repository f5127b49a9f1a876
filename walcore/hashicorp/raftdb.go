package hashicorp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/bolt"
)

// boltLog is what raft.db held at one moment.
type boltLog struct {
	table
	damages  []damage
	problems []walcore.Problem // with the database, not with an entry
	stable   *walcore.Stable   // nil: it cannot be read
	conf     pairs             // what stable was made of, and what else is beside it
	meta     bolt.Meta
}

const (
	logsBucket = "logs"
	confBucket = "conf"
)

// mostLeaves is how many leaves are taken between two looks whether the database has changed,
// where they are read one by one: less after each time that it has. Where they are read in
// batches, there is a look behind the batch that has that many.
const mostLeaves = 64

// maxRetries is how often reading begins again without having come any further.
const maxRetries = 200

// errNewer says that there is a newer transaction, so that nothing that was read since the last
// look is certain.
var errNewer = fmt.Errorf("a node writes to it faster than it can be read: %w", walcore.ErrChanged)

const oneMetaPage = "one of the two meta pages is damaged: the last transaction may be missing"

// boltReading reads raft.db. What it has when a newer transaction comes, it keeps: the index
// and term of an entry tell it from all others (so Raft promises), hence those before one that
// is there in both are the same in both.
type boltReading struct {
	f *openFile
	boltLog
	shared  int // how many slots others have
	certain struct{ slots, damages int }
	leaves  int // that were read since the last look
	most    int // how many can be
}

// readBoltLog reads raft.db. previous is what was in it before, or nil.
func readBoltLog(f *openFile, previous *boltLog) (*boltLog, error) {
	r := boltReading{f: f, most: mostLeaves}
	if previous != nil && len(previous.damages) == 0 {
		r.table, r.shared = previous.between(0, math.MaxUint64), len(previous.slots)
		r.certain.slots = len(r.slots)
	}
	for retries := 0; ; retries++ {
		had := r.certain.slots
		m, sound, err := bolt.ReadMeta(f)
		if err != nil {
			return nil, err
		}
		r.meta = m
		if err = r.read(&bolt.DB{File: f, Meta: m}); err == nil {
			if sound == 1 {
				r.problems = append(r.problems, walcore.FileProblem(boltName, walcore.KindMeta, oneMetaPage))
			}
			return &r.boltLog, nil
		}
		if err != errNewer || retries == maxRetries {
			return nil, err
		}
		r.truncate(r.certain.slots)
		r.damages = r.damages[:r.certain.damages]
		r.most = max(r.most/2, 1)
		if r.certain.slots > had {
			retries = 0
		}
	}
}

// truncate drops the slots from number n on.
func (r *boltReading) truncate(n int) {
	if n == len(r.slots) {
		return
	}
	if n == 0 {
		r.table, r.shared = table{}, 0
		return
	}
	last := r.indexOf(n - 1)
	r.spans = r.spans[:r.spanOf(last)+1]
	r.spans[len(r.spans)-1].n = n - r.spans[len(r.spans)-1].slot
	if r.slots = r.slots[:n]; n < r.shared {
		r.slots = r.slots[:n:n]
	}
}

// read reads all that a transaction has and r has not.
func (r *boltReading) read(db *bolt.DB) error {
	r.problems = nil
	logs, err := db.Bucket(logsBucket)
	if err != nil {
		if err := r.broken(db, nil, nil, err); err != nil {
			return err
		}
		r.truncate(0)
		r.certain.slots, r.certain.damages = 0, 0
	} else {
		if err := r.resume(logs); err != nil {
			return err
		}
		from := r.last() + 1
		one := &leaves{r: r, db: db}
		visitor := bolt.Visitor{
			Leaf: func(p bolt.Page, i int) error {
				one.Read(p, i)
				return one.Take()
			},
			Broken: func(low, high []byte, err error) error {
				if from > 1 && (low == nil || number(low) < from) {
					low = key(from)
				}
				return r.broken(db, low, high, err)
			},
		}
		if r.most == mostLeaves { // else it is in a hurry
			visitor.Ahead = func() bolt.Leaves { return &leaves{r: r, db: db} }
		}
		if err := logs.Walk(key(from), visitor); err != nil {
			return err
		}
	}
	r.stable, err = readStable(db, confBucket, binary.BigEndian)
	if err == nil {
		r.conf, err = readConf(db)
	}
	if db.Changed() {
		return errNewer
	}
	if err != nil {
		r.problems = append(r.problems, walcore.FileProblem(boltName, walcore.KindMeta, err.Error()))
	}
	return nil
}

func key(index uint64) []byte { return binary.BigEndian.AppendUint64(nil, index) }

// number is the index that a key stands for. One of another length is no index, and lies
// between two.
func number(key []byte) uint64 {
	var b [8]byte
	copy(b[:], key)
	return binary.BigEndian.Uint64(b[:])
}

// look makes what was read certain, unless there is a newer transaction.
func (r *boltReading) look(db *bolt.DB) error {
	if db.Changed() {
		return errNewer
	}
	r.leaves = 0
	r.certain.slots, r.certain.damages = len(r.slots), len(r.damages)
	return nil
}

// broken notes that the indexes between two keys cannot be read.
func (r *boltReading) broken(db *bolt.DB, low, high []byte, err error) error {
	if db.Changed() {
		return errNewer
	}
	first, last := uint64(0), uint64(math.MaxUint64)
	if low != nil {
		first = number(low)
	}
	if high != nil {
		last = number(high) - 1
	}
	kind := walcore.KindPage
	if !errors.Is(err, walcore.ErrDamaged) {
		kind = walcore.KindUnreadable
	}
	r.damages = append(r.damages, damaged(boltName, kind, first, last, 0, err))
	return nil
}

// resume drops what r has and the bucket has not, so that it can be read on from there.
func (r *boltReading) resume(logs *bolt.Tree) error {
	if len(r.slots) == 0 {
		r.reserve(logs)
		return nil
	}
	before, shared, damages := r.table, r.shared, r.damages
	r.table, r.damages = r.between(0, math.MaxUint64), slices.Clone(r.damages)
	if first, err := firstIndex(logs); err == nil {
		r.dropBelow(first)
	}
	same := func(i int) bool {
		value, _, err := logs.Get(key(r.indexOf(i)))
		return err == nil && r.slots[i].isOf(value)
	}
	if n := len(r.slots); n > 0 && !same(n-1) {
		r.truncate(sort.Search(n-1, func(i int) bool { return !same(i) }))
	}
	if logs.DB.Changed() {
		r.table, r.shared, r.damages = before, shared, damages // what was compared may have been pages of another one
		return errNewer
	}
	r.certain.slots, r.certain.damages = len(r.slots), len(r.damages)
	return nil
}

// reserve makes room for the entries of a bucket, as many as its keys let one expect: growing
// would copy them again and again.
func (r *boltReading) reserve(logs *bolt.Tree) {
	attr, err := r.f.Stat()
	first, err2 := firstIndex(logs)
	last, err3 := lastIndex(logs)
	if errors.Join(err, err2, err3) == nil && last > first {
		r.slots = make([]slot, 0, min(last-first, uint64(attr.Size)/leastValue, mostReserved)+1)
	}
}

// mostReserved is for how many entries room is made at once: a sparse file can claim any number.
const mostReserved = 1 << 20

// leastValue is about how many bytes an entry takes at least, with its key.
const leastValue = 64

// dropBelow drops the entries with an index below first.
func (r *boltReading) dropBelow(first uint64) {
	before := len(r.slots)
	r.table = r.between(first, math.MaxUint64)
	r.shared = max(r.shared-(before-len(r.slots)), 0)
	r.damages = slices.DeleteFunc(r.damages, func(d damage) bool { return d.last < first })
}

// firstIndex gives the least index in the bucket, or one above all others if there is none.
func firstIndex(t *bolt.Tree) (index uint64, err error) {
	index = math.MaxUint64
	err = t.LeafOf(nil, func(p bolt.Page, _ int) {
		if p.Count > 0 {
			index = number(p.Key(0))
		}
	})
	return index, err
}

// lastIndex gives the greatest index in the bucket, or 0 if there is none.
func lastIndex(t *bolt.Tree) (index uint64, err error) {
	err = t.LeafOf(key(math.MaxUint64), func(p bolt.Page, _ int) {
		if p.Count > 0 {
			index = number(p.Key(p.Count - 1))
		}
	})
	return index, err
}

// readStable reads what a node must not forget from a bucket. What is not there was never
// stored, and is 0.
func readStable(db *bolt.DB, bucket string, order binary.ByteOrder) (*walcore.Stable, error) {
	t, err := db.Bucket(bucket)
	if err != nil {
		return nil, err
	}
	var s walcore.Stable
	for name, to := range map[string]*uint64{"CurrentTerm": &s.CurrentTerm, "LastVoteTerm": &s.LastVoteTerm} {
		value, at, err := t.Get([]byte(name))
		switch {
		case err != nil:
			return nil, err
		case len(value) == 8:
			*to = order.Uint64(value)
		case value != nil:
			return nil, fmt.Errorf("%s at offset %d has %d bytes, not 8: %w", name, at, len(value), walcore.ErrDamaged)
		}
	}
	candidate, _, err := t.Get([]byte("LastVoteCand"))
	s.LastVoteCandidate = string(candidate)
	return &s, err
}

// readConf reads the bucket that readStable has read.
func readConf(db *bolt.DB) (pairs, error) {
	t, err := db.Bucket(confBucket)
	if err != nil || t == nil {
		return nil, err
	}
	return readPairs(t)
}

// relocate finds a value that is not where it was listed: pages move.
func relocate(f *openFile, index uint64, s *slot) ([]byte, error) {
	for range maxRetries {
		m, _, err := bolt.ReadMeta(f)
		if err != nil {
			return nil, err
		}
		db := &bolt.DB{File: f, Meta: m}
		logs, err := db.Bucket(logsBucket)
		var value []byte
		if err == nil {
			value, _, err = logs.Get(key(index))
		}
		if err == nil && s.isOf(value) {
			return value, nil
		}
		if db.Changed() {
			continue
		}
		switch {
		case err != nil:
		case value == nil:
			err = errRemoved
		default:
			err = fmt.Errorf("it was replaced: %w", walcore.ErrChanged)
		}
		return nil, err
	}
	return nil, errNewer
}

// errRemoved says that a database has no such entry any more. The next look finds that, too.
var errRemoved = fmt.Errorf("it was removed: %w", walcore.ErrChanged)

// addDamage adds an entry that cannot be read. Those that follow one another are one damage: a
// file can have millions. The first own of the list stay as they are, for others have them.
func addDamage(list []damage, own int, file string, index uint64, at int64, err error) []damage {
	if k := len(list) - 1; k >= own && list[k].Kind == walcore.KindPage && list[k].last+1 == index {
		list[k].last, list[k].run = index, true
		return list
	}
	return append(list, damaged(file, walcore.KindPage, index, index, at, err))
}

// damaged is what is said of entries that cannot be read.
func damaged(file string, kind walcore.Kind, first, last uint64, offset int64, err error) damage {
	message := err.Error()
	switch {
	case first == last:
	case last == math.MaxUint64:
		message += fmt.Sprintf("; entries from %d on cannot be read", max(first, 1))
	default:
		message += fmt.Sprintf("; entries %d to %d cannot be read", max(first, 1), last)
	}
	if !errors.Is(err, walcore.ErrDamaged) && kind != walcore.KindUnreadable {
		err = fmt.Errorf("%w: %w", err, walcore.ErrDamaged)
	}
	p := walcore.FileProblem(file, kind, message).At(uint64(offset)).OfEntry(first)
	return damage{first: first, last: last, Problem: p, err: walcore.FileError(file, err).At(uint64(offset)).OfEntry(first)}
}
