package walcore

import "iter"

// Kept gives the range of indexes that a later log of the same directory has
// as the earlier one had them: in the same slots of the same files, which
// makes them the same entries. Terms alone would not: a directory that was
// restored has other entries of the same terms. Where there is none, first
// lies above last.
func Kept(before, after *Log) (first, last uint64) {
	b, a := before.spans, after.spans
	if len(b) == 0 || len(a) == 0 {
		return 1, 0
	}
	first = max(b[0].index, a[0].index)
	last = first - 1
	for len(b) > 0 && len(a) > 0 {
		switch {
		case b[0].last() <= last:
			b = b[1:]
		case a[0].last() <= last:
			a = a[1:]
		default:
			// A hole that both have is nothing that has changed.
			from := max(b[0].index, last+1)
			n := b[0].common(a[0], from)
			if from != max(a[0].index, last+1) || n == 0 {
				return first, last
			}
			last = from + n - 1
		}
	}
	return first, last
}

// common is how many entries from an index on, which both spans hold, are the
// same ones.
func (s span) common(o span, index uint64) uint64 {
	i := s.slot + int(index-s.index)
	if index < o.index || i != o.slot+int(index-o.index) || !s.file.Attr.Same(o.file.Attr) || s.file.emptied != o.file.emptied {
		return 0
	}
	n := min(s.last(), o.last()) + 1 - index
	if s.file.slotTable == o.file.slotTable {
		return n
	}
	for k := range n {
		if s.file.slot(i+int(k)) != o.file.slot(i+int(k)) {
			return k
		}
	}
	return n
}

// SlotsBut goes through the slots that are entries, upwards, without a look at
// their payloads, those with indexes from first to last left out.
func (l *Log) SlotsBut(first, last uint64) iter.Seq2[Slot, *LogFile] {
	return func(yield func(Slot, *LogFile) bool) {
		for _, s := range l.spans {
			for i := 0; i < s.n; i++ {
				if at := s.index + uint64(i); at >= first && at <= last {
					i = int(min(last, s.last()) - s.index)
					continue
				}
				if k := s.slot + i; !s.file.isDropped(k) && !yield(s.file.slot(k), s.file) {
					return
				}
			}
		}
	}
}
