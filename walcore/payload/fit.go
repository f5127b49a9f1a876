package payload

import "go.etcd.io/raft/v3/raftpb"

// Fit says how well data agree with what an application writes.
type Fit uint8

const (
	// Malformed: the application cannot have written it, in any version.
	Malformed Fit = iota
	// Foreign: it parses, with fields that the schema does not have. A newer version
	// of the application may have written it, or another application.
	Foreign
	// Fits: it parses, and the schema has all of its fields.
	Fits
)

// Fit says how well the data of a normal entry agree with the proposals of the
// decoder's application. No data fit, as those of a new leader's entry. Entries of
// other types are Foreign: they are not the application's.
func (d *Dgraph) Fit(e Entry) Fit {
	switch {
	case raftpb.EntryType(e.Type) != raftpb.EntryNormal:
		return Foreign
	case len(e.Data) == 0:
		return Fits
	case len(e.Data) < keySize:
		return Malformed
	}
	// Text that parses is rare: to look at each byte last costs less.
	fit := fitOf(checker{}.message(d.proposalPlan(), e.Data[keySize:], 0))
	if fit != Malformed && printable(e.Data) {
		return Malformed
	}
	return fit
}

// FitSnapshot says how well a snapshot's data agree with those of the decoder's
// application.
func (d *Dgraph) FitSnapshot(blob []byte) Fit {
	p := d.snapshot
	if d.app == Zero {
		p = d.zeroSnapshot
	}
	return fitOf(checker{}.message(p, blob, 0))
}

func fitOf(m match) Fit {
	switch m {
	case malformed, otherTypes:
		return Malformed
	case unknownFields:
		return Foreign
	}
	return Fits
}
