package explorer

import (
	"fmt"
	"sync"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/status"
)

// histogram counts the bytes of a log's payloads by their index, in at most maxBuckets buckets
// of 2^shift indexes each. When the log grows, only what is new is counted.
type histogram struct {
	mu      sync.Mutex // protects what follows
	log     walcore.Log
	shift   uint
	buckets map[uint64]bucket // by index>>shift
}

type bucket struct {
	entries int
	bytes   int64
}

const maxBuckets = 200

// of counts what was not counted yet, and draws the sums. It is nil where nobody has looked at
// all of the log's files: it would have to.
func (h *histogram) of(log walcore.Log, a axis) *bars {
	if p, ok := log.(walcore.Partial); ok && !p.Checked() {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.log != log {
		h.count(log, a)
	}
	return h.draw(a)
}

func (h *histogram) count(log walcore.Log, a axis) {
	first, last := uint64(1), uint64(0) // whose entries are the same as before
	if f, ok := log.(walcore.Follower); ok && h.log != nil {
		first, last = f.Unchanged(h.log)
	}
	if h.shift > 0 && (a.Last-a.First)>>h.shift < maxBuckets/8 { // most of it is gone
		h.buckets, h.shift = nil, 0
	}
	for h.buckets == nil || a.Last>>h.shift-a.First>>h.shift >= maxBuckets {
		h.widen()
	}
	for key := range h.buckets {
		if low := key << h.shift; low < first || low+1<<h.shift-1 > last {
			delete(h.buckets, key)
		}
	}
	// Below the first bucket that is kept and above the last one everything is counted.
	for index := a.First; ; {
		key := index >> h.shift
		if _, kept := h.buckets[key]; kept {
			index = (key + 1) << h.shift
		} else {
			next, more := h.add(log, index)
			if !more {
				break
			}
			index = next
		}
	}
	h.log = log
}

// add counts the entries of the bucket that the next entry is in, and says where the one after
// it begins.
func (h *histogram) add(log walcore.Log, from uint64) (next uint64, more bool) {
	var b bucket
	key := from >> h.shift
	for e := range log.Entries(from) {
		if b.entries > 0 && e.Index>>h.shift != key {
			break
		}
		key = e.Index >> h.shift
		b.entries++
		b.bytes += e.Size
	}
	if b.entries == 0 {
		return 0, false
	}
	h.buckets[key] = b
	return (key + 1) << h.shift, true
}

// widen makes each bucket out of two.
func (h *histogram) widen() {
	half := h.buckets
	h.buckets = map[uint64]bucket{}
	if half != nil {
		h.shift++
	}
	for key, b := range half {
		sum := h.buckets[key/2]
		h.buckets[key/2] = bucket{sum.entries + b.entries, sum.bytes + b.bytes}
	}
}

// bars is a histogram as it is drawn.
type bars struct {
	List  []bar
	Table []tableBar // the same, in fewer rows
	Most  int64      // bytes in a bar, as high as the drawing
	Each  uint64     // how many indexes a bar is of
}

// bar is the entries from First to Last.
type bar struct {
	First, Last uint64
	rect
	Y, Height string
}

type tableBar struct {
	First, Last uint64
	Entries     int
	Bytes       int64
}

// maxTable is how many rows the table of a histogram has at most.
const maxTable = 25

func (h *histogram) draw(a axis) *bars {
	d := &bars{Each: 1 << h.shift}
	for _, b := range h.buckets {
		d.Most = max(d.Most, b.bytes)
	}
	low, high := a.First>>h.shift, a.Last>>h.shift
	together := (high-low)/maxTable + 1
	for key := low; key <= high; key++ {
		b, ok := h.buckets[key]
		if !ok {
			continue
		}
		first, last := max(key<<h.shift, a.First), min((key+1)<<h.shift-1, a.Last)
		height := 100 * float64(b.bytes) / float64(max(d.Most, 1))
		if b.bytes > 0 {
			height = max(height, 1.5)
		}
		r := a.span(first, last)
		r.Title = fmt.Sprintf("%s to %s: %s bytes in %s entries", status.Grouped(first), status.Grouped(last),
			status.Grouped(uint64(b.bytes)), grouped(b.entries))
		d.List = append(d.List, bar{first, last, r, percent(100 - height), percent(height)})
		if n := len(d.Table); n > 0 && (d.Table[n-1].First>>h.shift-low)/together == (key-low)/together {
			t := &d.Table[n-1]
			t.Last, t.Entries, t.Bytes = last, t.Entries+b.entries, t.Bytes+b.bytes
		} else {
			d.Table = append(d.Table, tableBar{first, last, b.entries, b.bytes})
		}
	}
	return d
}
