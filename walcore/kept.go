package walcore

import "iter"

// Kept gives the range of indexes that a later log of the same directory has
// as the earlier one had them: same index, same term, hence the same entry.
// Where there is none, first lies above last.
func Kept(before, after *Log) (first, last uint64) {
	if len(before.terms) == 0 || len(after.terms) == 0 {
		return 1, 0
	}
	b, a := before.terms, after.terms
	first = max(b[0].First, a[0].First)
	last = first - 1
	for len(b) > 0 && len(a) > 0 {
		switch {
		case b[0].Last < first:
			b = b[1:]
		case a[0].Last < first:
			a = a[1:]
		case b[0].Term != a[0].Term || b[0].First > last+1 && b[0].First != a[0].First:
			return first, last
		case b[0].Last != a[0].Last:
			return first, min(b[0].Last, a[0].Last)
		default:
			last = b[0].Last
			b, a = b[1:], a[1:]
		}
	}
	return first, last
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
