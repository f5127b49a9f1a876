package etcd

import "github.com/walfs/walfs/walcore"

// A node only adds records to its newest segment. Somebody else writes a segment anew in its
// place, from a backup or another member: the same file has another log then. What was read of
// it is no use any more, and it is read again from its beginning.

// ending is the last record that was read of a segment.
type ending struct {
	frame int64 // where it begins
	end   int64 // where the next one begins
	sum   uint32
}

// isIn reports whether a file has that record there. Its sum is that of all records up to it:
// in another log it is another one.
func (e ending) isIn(f *openFile) bool {
	if e.end == 0 {
		return true
	}
	var header [frameHeader]byte
	if readFull(f, header[:], e.frame) != nil {
		return false
	}
	n, padding := frameSize(header[:])
	from := e.frame + frameHeader
	if from+n+padding != e.end {
		return false
	}
	r, err := readLargeRecord(f, from, from+n)
	return err == nil && r.sum == e.sum
}

// mayHaveChanged reports whether a segment's file may have changed since the reader was made.
func (r *Reader) mayHaveChanged(s *segment, now walcore.Attr) bool {
	// The newest can have got more within one time.
	return s.stale.Load() || isWritten(s.attr, now) || r.isTooNew(s.attr) || s.fault != nil || r.isNewest(s)
}

// isRewritten reports whether it has not got more records, but others. A node writes to no
// segment but the newest.
func (r *Reader) isRewritten(s *segment, now walcore.Attr) bool {
	return s.stale.Load() || now.Size < s.end || isWritten(s.attr, now) && !r.isNewest(s) || !s.isIn(s.file)
}

// isNewest reports whether a segment was the one that is written to.
func (r *Reader) isNewest(s *segment) bool {
	return r.log != nil && len(r.files) > 0 && r.files[len(r.files)-1].of == s
}

// isWritten reports whether a file was written to between two looks.
func isWritten(before, now walcore.Attr) bool {
	return now.Size != before.Size || !now.Mtime.Equal(before.Mtime)
}

// isTooNew reports whether a file had changed so shortly before it was looked at that it may
// have changed again, with the same time.
func (r *Reader) isTooNew(a walcore.Attr) bool { return r.listed.Sub(a.Ctime) < timeResolution }
