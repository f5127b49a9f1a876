package payload

import (
	"errors"
	"fmt"

	"github.com/walfs/walfs/walcore"
)

// Of is the built-in decoder for a log: that of the application whose log it is.
func Of(l walcore.Log, opts Options) Decoder {
	if d, ok := OfSystem(l.Meta().System, opts); ok {
		return d
	}
	return NewDgraph(AppOf(l), opts)
}

// OfSystem is the built-in decoder for the logs of a system. ok is false where it depends on
// the log, as with Dgraph's.
func OfSystem(s *walcore.System, opts Options) (d Decoder, ok bool) {
	switch s.Name {
	case walcore.Etcd:
		return NewEtcd(opts), true
	case walcore.HashiCorp:
		return NewHashiCorp(opts), true
	}
	return nil, false
}

// AppOf says whether a log is an Alpha's or a Zero's: by its group id, or, where that
// is 0 or not known, by how its entries decode.
func AppOf(l walcore.Log) App { return Classify(l).App() }

// maxTries is how many normal entries with more than a key Classify reads. If they
// do not make it certain, it stops there: it may be another application's log.
const maxTries = 1000

// Classify gives a classifier that has been given what AppOf goes by.
func Classify(l walcore.Log) *Classifier {
	c := &Classifier{}
	if g := l.Meta().GroupID; g != nil {
		c.GroupID(*g)
	}
	if c.Certain() {
		return c
	}
	if blob, err := SnapshotData(l.Meta().Snapshot); err == nil {
		c.Snapshot(blob)
	}
	var buf []byte
	tries := 0
	for e := range l.Entries(0) {
		// A log can begin with any number of emptied entries. They say nothing,
		// and do not count as tries.
		if e.Type == walcore.EntryNormal {
			if e.Size <= keySize {
				continue
			}
			tries++
		}
		if e.Size > MaxData {
			continue
		}
		data, err := e.AppendData(buf[:0])
		if err == nil && c.Entry(EntryOf(&e, data)) || tries == maxTries {
			break
		}
		buf = data
	}
	return c
}

// ErrTooLarge: there are more than MaxData bytes of data, too many to decode.
var ErrTooLarge = errors.New("too large to decode")

// SnapshotData reads the application's data in a snapshot. They are nil if there is
// none, or if s is nil because it is not known whether there is one. Where they have more than
// MaxData bytes, it fails with ErrTooLarge.
func SnapshotData(s *walcore.Snapshot) ([]byte, error) {
	if s == nil || s.Stored.Size == 0 {
		return nil, nil
	}
	if s.Data.Size > MaxData {
		return nil, fmt.Errorf("the snapshot has %d bytes: %w", s.Data.Size, ErrTooLarge)
	}
	blob := make([]byte, s.Data.Size)
	if _, err := s.Data.ReadAt(blob, 0); err != nil {
		return nil, err
	}
	return blob, nil
}
