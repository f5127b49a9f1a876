package replicas

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/walfs/walfs/fsview"
	"github.com/walfs/walfs/meta"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/app"
	"github.com/walfs/walfs/walcore/dgraph"
	"github.com/walfs/walfs/walcore/payload"
)

// snapshots notes where two replicas have different snapshots at one index: what
// a snapshot stands for is committed, so it is the same everywhere.
func (r *Report) snapshots(readers []*dgraph.Reader) {
	for i, a := range r.Replicas {
		for j, b := range r.Replicas[i+1:] {
			s, t := a.Snapshot, b.Snapshot
			if s == nil || t == nil || s.Index == 0 || s.Index != t.Index {
				continue
			}
			note := func(format string, args ...any) {
				r.Notes = append(r.Notes, fmt.Sprintf("the snapshots at index %d ", s.Index)+fmt.Sprintf(format, args...))
			}
			if s.Term != t.Term {
				note("differ: term %d in %s, term %d in %s", s.Term, a.Dir, t.Term, b.Dir)
			}
			if x, y := members(s.ConfState), members(t.ConfState); x != y {
				note("differ: %s in %s, %s in %s", x, a.Dir, y, b.Dir)
			}
			if s.Size != t.Size {
				note("differ: data of %d bytes in %s, of %d bytes in %s", s.Size, a.Dir, t.Size, b.Dir)
				continue
			}
			at, err := firstOfBlobs(readers[i], readers[i+1+j])
			switch {
			case err != nil:
				note("of %s and %s cannot be compared: %v", a.Dir, b.Dir, err)
			case at >= 0:
				note("differ: data from byte %d on in %s and %s", at, a.Dir, b.Dir)
			}
		}
	}
}

// members is a conf state in words; two that Raft takes for the same have the
// same words.
func members(c fsview.ConfState) string {
	var parts []string
	for _, list := range []struct {
		name string
		ids  []uint64
	}{{"voters", c.Voters}, {"learners", c.Learners}, {"outgoing voters", c.VotersOutgoing}, {"next learners", c.LearnersNext}} {
		if len(list.ids) > 0 || list.name == "voters" {
			parts = append(parts, fmt.Sprint(list.name, " ", slices.Sorted(slices.Values(list.ids))))
		}
	}
	if c.AutoLeave {
		parts = append(parts, "leaving by itself")
	}
	return strings.Join(parts, ", ")
}

// maxDecoded bounds the blobs that are read into memory to be compared by what
// they mean. A Zero's have some kilobytes.
const maxDecoded = 16 << 20

// firstOfBlobs finds the first byte by which two snapshots of one size differ, -1
// if by nothing that counts. Each replica encodes the snapshot for itself, and a
// Zero's holds maps, which Dgraph encodes in no fixed order: blobs that mean the
// same are the same.
func firstOfBlobs(a, b *dgraph.Reader) (int64, error) {
	s, t := a.Meta().Snapshot, b.Meta().Snapshot
	at, err := firstOfStreams(a, b, s, t)
	if err == nil && at >= 0 && s.DataSize <= maxDecoded {
		d := payload.NewDgraph(app.Of(a), payload.Options{ShowSecrets: true})
		x, y := make([]byte, s.DataSize), make([]byte, s.DataSize)
		if err = readBlobs(a, b, x, y, s.DataAt, t.DataAt); err == nil && bytes.Equal(d.AppendSnapshot(nil, x), d.AppendSnapshot(nil, y)) {
			at = -1
		}
	}
	if err != nil {
		return 0, err
	}
	// A running node may have put another snapshot there meanwhile.
	for _, r := range []*dgraph.Reader{a, b} {
		if same, err := r.Meta().SameSnapshot(r.MetaFile()); err != nil || !same {
			return 0, fmt.Errorf("%s: the snapshot was replaced: %w", r.Path, walcore.ErrChanged)
		}
	}
	return at, nil
}

func firstOfStreams(a, b *dgraph.Reader, s, t *meta.Snapshot) (int64, error) {
	const piece = 64 << 10
	x, y := make([]byte, piece), make([]byte, piece)
	for at := int64(0); at < s.DataSize; at += piece {
		n := min(piece, s.DataSize-at)
		if err := readBlobs(a, b, x[:n], y[:n], s.DataAt+at, t.DataAt+at); err != nil {
			return 0, err
		}
		if same := samePrefix(x[:n], y[:n]); int64(same) < n {
			return at + int64(same), nil
		}
	}
	return -1, nil
}

func readBlobs(a, b *dgraph.Reader, x, y []byte, atX, atY int64) error {
	if _, err := a.MetaFile().ReadAt(x, atX); err != nil {
		return err
	}
	_, err := b.MetaFile().ReadAt(y, atY)
	return err
}
