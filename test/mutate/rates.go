//go:build linux

package mutate

import (
	"fmt"
	"strings"
)

// rates is the table of RATES.md.
func (r *results) rates(kinds []Kind, seed uint64, asked int) string {
	var b strings.Builder
	fmt.Fprintf(&b, ratesHead, r.mutants, seed, asked, seed)
	row := func(name string, k *rate) {
		fmt.Fprintf(&b, "| %s | %d | %d | %s | %d | %d | %d |\n", name, k.mutants, k.detectable, percent(k.reported, k.detectable),
			k.others, k.othersReported, k.opened)
	}
	all := &rate{}
	for _, kind := range kinds {
		k := r.kinds[kind.Name]
		if k == nil {
			continue
		}
		row(kind.Name, k)
		all.add(k)
	}
	row("**all**", all)
	return b.String()
}

func (k *rate) add(o *rate) {
	k.mutants += o.mutants
	k.detectable += o.detectable
	k.reported += o.reported
	k.others += o.others
	k.othersReported += o.othersReported
	k.opened += o.opened
}

func percent(n, of int) string {
	switch {
	case of == 0:
		return "–"
	case n == of:
		return "100 %"
	}
	return fmt.Sprintf("%.1f %%", min(100*float64(n)/float64(of), 99.9))
}

const ratesHead = `# How much damage is found

%d damaged directories, made by test/mutate from fixtures that Dgraph wrote and from logs
of its own (seed %d), and what the reader said of them. This file is made by

    go test ./test/mutate -run TestMutants -mutants %d -seed %d -rates RATES.md

**Visible** are those in which something contradicts something else in the directory. The
program finds that out by itself, from the bytes that it has changed. **Reported** is how
many of these the reader lists as problems, or tells with an error when it opens the
directory or reads an entry. The **others** cannot be told from a sound directory, or
have changed nothing that anybody reads; some of them are reported all the same, since
the gaps between payloads are looked at, too. **Opens** is how
many of all can be opened for writing: where nothing is wrong, or only the end of the
log, of which nothing is committed. In none of them was an entry lost that could be
read and was committed.

# What cannot be seen

- **A payload's bits** without a checksum. With one they are found when the entry is read,
  which walfs check does for all.
- **A type that became another one of Raft's**, without a checksum.
- **A term at a boundary**: one that is still between those of its neighbours, and not above
  the hard state's. And one before which all is well and behind which, from the next sector
  or file on, terms are lower: that is reported, but a rewrite that a crash has cut off
  looks the same, so that the entry is shown.
- **Which of two neighbours' terms is damaged**, where nothing else tells: neither is shown.
- **Slots of an older state**: replaced entries come back, of which the payloads may still be
  there. What contradicts them behind that is reported.
- **The last length of the current file**, without a checksum: no other payload stands behind it.
- **A length of zero behind emptied entries only**: emptying payloads leaves the same.
- **A length in an encrypted file behind which a length that fits can be read**: a rewrite
  there leaves a gap that begins so.
- **Entries above the commit index that are gone from the end**, also as a whole file: nobody
  has acknowledged them.
- **A base IV, or another data key's id**: payloads are other bytes then. A checksum is of the
  encrypted bytes, and does not tell. walfs check says that data are no proposals.
- **The raft id, the group id, the vote**, a checkpoint or a commit index that is still possible,
  a higher term of the hard state, the conf state and the data of a snapshot.
- **A whole file in an older state**, as long as the others fit.
- **All of wal.meta become 0**, in a log without entries: so a new directory looks.
- **A checksum that became 0**: then there is none.

# By kind

| damage | mutants | visible | reported | others | of these reported | opens |
|---|---:|---:|---:|---:|---:|---:|
`
