// Package rows goes through the entries of a log as lists show them: the pages, and the JSON
// that the pages are made of.
//
//	r := rows.New(log, decoder, &filter.Filter{}, 1)
//	for row := range r.All() {
//		if row == nil { // nothing to show for a while: look at the clock
//			continue
//		}
//		…
//	}
package rows

import (
	"iter"
	"strconv"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/filter"
	"github.com/walfs/walfs/walcore/payload"
)

// Row is an entry, or an index whose entry cannot be read. It is valid until the next one.
type Row struct {
	Index uint64
	Err   error // why the entry cannot be read; then the fields below are empty

	Entry walcore.Entry
	Kind  string // as payload.Summary has it
	What  []byte // the entry in one line: printable, at most 400 bytes
	Data  []byte // the payload; nil if it is too large to be decoded
}

// Reader reads rows. It belongs to one goroutine.
type Reader struct {
	log     walcore.Log
	decoder payload.Decoder
	filter  *filter.Filter
	next    uint64

	payloads walcore.Scanner
	summary  payload.Summary
	row      Row
}

// All gives a nil row when so many entries, or so many bytes of payloads, were passed over.
const (
	pause      = 256
	pauseBytes = 1 << 20
)

// New makes a Reader of the rows with an index of at least from. The filter was resolved for
// the log, and is the Reader's from now on.
func New(log walcore.Log, d payload.Decoder, f *filter.Filter, from uint64) *Reader {
	return &Reader{log: log, decoder: d, filter: f, next: max(from, f.First(), 1)}
}

// Next is the first index that was not looked at yet.
func (r *Reader) Next() uint64 { return r.next }

// Forget lets go of the memory that is kept for the next row, for a while in which nothing is
// read. It can be as large as an entry and its text.
func (r *Reader) Forget() {
	r.payloads, r.summary, r.row = walcore.Scanner{}, payload.Summary{}, Row{}
	r.filter.Forget()
}

// All goes through the rows, upwards, and when it was left, goes on where that was. Where many
// entries do not match, it gives a nil row from time to time. An entry that cannot be read is
// a row whatever the filter asks for: nobody knows whether it would match.
func (r *Reader) All() iter.Seq[*Row] {
	return func(yield func(*Row) bool) {
		last := r.filter.Last()
		passed, bytes := 0, int64(0)
		for e := range r.log.Entries(r.next) {
			if !r.damaged(min(e.Index-1, last), yield) {
				return
			}
			if e.Index > last {
				return
			}
			row := r.read(e)
			r.next = e.Index + 1
			if row == nil {
				passed, bytes = passed+1, bytes+e.Size
				if passed < pause && bytes < pauseBytes {
					continue
				}
				passed, bytes = 0, 0
			}
			if !yield(row) {
				return
			}
		}
		r.end(last, yield)
	}
}

// read makes the row of an entry, or gives nil if it does not match.
func (r *Reader) read(e walcore.Entry) *Row {
	match := r.filter.Matches(&e)
	if match == filter.No {
		return nil
	}
	r.row = Row{Index: e.Index, Entry: e}
	row := &r.row
	data, err := payload.Data(&r.payloads, &row.Entry)
	if err != nil {
		return r.broken(e.Index, err)
	}
	if match == filter.Unknown && !r.filter.MatchesData(&row.Entry, data, r.decoder) {
		return nil
	}
	// Only a decoder that is a program fails, and then Line says so.
	_ = r.decoder.Summarize(&r.summary, payload.EntryOf(&row.Entry, data))
	row.Kind, row.What, row.Data = r.summary.Kind, r.summary.Line, data
	return row
}

func (r *Reader) broken(index uint64, err error) *Row {
	r.row = Row{Index: index, Err: err}
	return &r.row
}

// damaged gives a row for each index up to last whose entry is lost. It reports false if that
// was ended.
func (r *Reader) damaged(last uint64, yield func(*Row) bool) bool {
	for r.next <= last {
		index, err := firstGap(r.log, r.next, last)
		if err == nil {
			r.next = last + 1
			return true
		}
		r.next = index + 1
		if !yield(r.broken(index, err)) {
			return false
		}
	}
	return true
}

// end gives a row for the first index behind the last entry that is known to be lost. How
// many follow is often not known.
func (r *Reader) end(last uint64, yield func(*Row) bool) {
	if r.next > last {
		return
	}
	if index, err := firstGap(r.log, r.next, last); err != nil {
		r.next = index + 1
		yield(r.broken(index, err))
	}
}

// firstGap finds the first index from first to last whose entry is lost, by halving: there can
// be a gap of any width. It gives last and nil if there is none.
func firstGap(log walcore.Log, first, last uint64) (index uint64, err error) {
	if err := log.Gap(first, first); err != nil {
		return first, err
	}
	err = log.Gap(first, last)
	if err == nil {
		return last, nil
	}
	low, high := first, last // none is lost up to low; one is up to high
	for high-low > 1 {
		middle := low + (high-low)/2
		if e := log.Gap(first, middle); e != nil {
			high, err = middle, e
		} else {
			low = middle
		}
	}
	return high, err
}

// AppendJSON appends the row as an object without its closing brace, so that more can follow.
func (row *Row) AppendJSON(dst []byte, s *walcore.System) []byte {
	if row.Err != nil {
		dst = strconv.AppendUint(append(dst, `{"index":`...), row.Index, 10)
		return payload.AppendString(append(dst, `,"error":`...), row.Err.Error())
	}
	dst = payload.AppendPlace(dst, s, &row.Entry, false)
	dst = payload.AppendString(append(dst, `,"kind":`...), row.Kind)
	return payload.AppendString(append(dst, `,"what":`...), string(row.What))
}
