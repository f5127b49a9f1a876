package tally

import (
	"cmp"
	"slices"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/payload"
)

// part is entries of one log file that follow one another. If the sums of all parts take too
// much memory, it is more of them.
type part struct {
	first, last uint64
	firstTxn    int           // the number of the first transaction that began in it, or of a later one
	file        *walcore.File // of the last entry
	sums        *sums
	txns        *txnList // what the entries say of transactions; nil: they are left off

	// Once it is closed, that no entry is added any more:
	files []File
	begun int // how many transactions began in it
	cost  int // of sums
}

func newPart(e *walcore.Entry, mostTxns int) *part {
	return &part{first: e.Index, sums: newSums(), txns: &txnList{most: mostTxns, loose: true}}
}

// takes reports whether an entry is one more of the part.
func (p *part) takes(e *walcore.Entry) bool {
	return p.files == nil && p.file.ID == e.File.ID && p.file.Identity == e.File.Identity
}

// add adds the next entry.
func (p *part) add(e *walcore.Entry, facts *payload.Facts) {
	p.last, p.file = e.Index, e.File
	p.sums.add(e, facts)
}

// close says that the part gets no more entries.
func (p *part) close() {
	if p.files != nil {
		return
	}
	p.files = p.sumsByFile()
	p.cost = p.sums.cost()
	p.file = nil      // it holds the file's table
	p.txns.open = nil // only what can be added to needs it
}

// sumsByFile is what the entries add up to by log file.
func (p *part) sumsByFile() []File {
	if p.files != nil {
		return p.files
	}
	return []File{{p.file.Name, p.sums.total(), p.sums.kinds()}}
}

// joined is two closed parts as one. Both are as they were.
func joined(a, b *part) *part {
	p := &part{first: a.first, last: b.last, sums: newSums(), begun: a.begun + b.begun}
	p.sums.merge(a.sums)
	p.sums.merge(b.sums)
	p.cost = p.sums.cost()
	p.files = appendFiles(slices.Clone(a.files), b.files)
	if b.txns != nil { // otherwise those of a, which are older, are left off, too
		p.txns = &txnList{most: b.txns.most, loose: true}
		p.txns.addAll(a.txns, a.begun)
		p.txns.addAll(b.txns, b.begun)
		p.txns.open = nil
	}
	return p
}

// appendFiles appends the sums of log files. The first can be of the same file as the last one
// before.
func appendFiles(files, next []File) []File {
	if n := len(files); n > 0 && len(next) > 0 && files[n-1].Name == next[0].Name {
		files[n-1] = files[n-1].with(next[0])
		next = next[1:]
	}
	return append(files, next...)
}

// with is the sums of f and of more of its entries.
func (f File) with(more File) File {
	f.Entries += more.Entries
	f.Bytes += more.Bytes
	f.Kinds = slices.Clone(f.Kinds)
	for _, k := range more.Kinds {
		i := slices.IndexFunc(f.Kinds, func(have Kind) bool { return have.Name == k.Name })
		if i < 0 {
			f.Kinds = append(f.Kinds, k)
			continue
		}
		f.Kinds[i].Entries += k.Entries
		f.Kinds[i].Bytes += k.Bytes
	}
	slices.SortFunc(f.Kinds, byBytes)
	return f
}

// byBytes is the order of stats.Table.Rows.
func byBytes(a, b Kind) int {
	return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(b.Entries, a.Entries), cmp.Compare(a.Name, b.Name))
}
