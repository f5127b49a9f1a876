package diff

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/payload"
)

// snapshots notes where two replicas have different snapshots at one index. The
// entries that a snapshot stands for are committed, so it must be the same on
// every node.
func (r *Report) snapshots(logs []walcore.Log) {
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
			if a.System == walcore.Etcd && b.System == walcore.Etcd {
				if same, err := sameStore(logs[i], logs[i+1+j]); err != nil {
					note("of %s and %s cannot be compared: %v", a.Dir, b.Dir, err)
				} else if !same {
					note("differ: the members and settings in %s are others than in %s", a.Dir, b.Dir)
				}
				continue
			}
			if s.Size != t.Size {
				note("differ: data of %d bytes in %s, of %d bytes in %s", s.Size, a.Dir, t.Size, b.Dir)
				continue
			}
			at, err := firstDifference(logs[i], logs[i+1+j])
			switch {
			case err != nil:
				note("of %s and %s cannot be compared: %v", a.Dir, b.Dir, err)
			case at >= 0:
				note("differ: data from byte %d on in %s and %s", at, a.Dir, b.Dir)
			}
		}
	}
}

// members is a conf state in words. Conf states that differ only in the order of
// ids have the same words.
func members(c walcore.ConfState) string {
	var parts []string
	for _, list := range []struct {
		name string
		ids  []uint64
	}{{"voters", c.Voters}, {"learners", c.Learners}, {"outgoing voters", c.VotersOutgoing}, {"next learners", c.LearnersNext}} {
		if len(list.ids) > 0 || list.name == "voters" {
			parts = append(parts, fmt.Sprint(list.name, " ", slices.Sorted(slices.Values(list.ids))))
		}
	}
	if len(c.Servers) > 0 {
		parts = nil
		for _, s := range c.Servers {
			role := "learner"
			if s.Voter {
				role = "voter"
			}
			parts = append(parts, fmt.Sprintf("%s %s %s", role, s.ID, s.Address))
		}
		slices.Sort(parts)
	}
	if c.AutoLeave {
		parts = append(parts, "leaving by itself")
	}
	return strings.Join(parts, ", ")
}

// maxDecoded bounds the snapshots that are read into memory to be decoded and
// compared. A Zero's have some kilobytes.
const maxDecoded = 16 << 20

// firstDifference finds the first byte at which two snapshots of one size differ,
// or -1 if they mean the same. Each replica encodes the snapshot for itself, and a
// Zero's holds maps, which Dgraph encodes in no fixed order. So snapshots whose
// bytes differ are decoded, and are the same if that gives the same.
func firstDifference(a, b walcore.Log) (int64, error) {
	s, t := a.Meta().Snapshot.Data, b.Meta().Snapshot.Data
	at, err := firstByteOf(s, t)
	if err != nil || at < 0 || s.Size > maxDecoded {
		return at, err
	}
	x, y := make([]byte, s.Size), make([]byte, s.Size)
	if err := readBoth(s, t, x, y, 0); err != nil {
		return 0, err
	}
	d := payload.Of(a, payload.Options{ShowSecrets: true})
	if bytes.Equal(d.AppendSnapshot(nil, x), d.AppendSnapshot(nil, y)) {
		at = -1
	}
	return at, nil
}

// sameStore compares what the snapshots of two of etcd's members hold.
func sameStore(a, b walcore.Log) (bool, error) {
	s, t := a.Meta().Snapshot, b.Meta().Snapshot
	if max(s.Data.Size, t.Data.Size) > maxDecoded {
		return s.Data.Size == t.Data.Size, nil
	}
	x, err := payload.SnapshotData(s)
	if err != nil {
		return false, err
	}
	y, err := payload.SnapshotData(t)
	if err != nil {
		return false, err
	}
	return bytes.Equal(x, y) || payload.SameStore(x, y), nil
}

// firstByteOf finds the first byte at which two sections of one size differ, or -1.
func firstByteOf(s, t walcore.Section) (int64, error) {
	const piece = 64 << 10
	x, y := make([]byte, piece), make([]byte, piece)
	for at := int64(0); at < s.Size; at += piece {
		n := min(piece, s.Size-at)
		if err := readBoth(s, t, x[:n], y[:n], at); err != nil {
			return 0, err
		}
		if same := commonBytes(x[:n], y[:n]); int64(same) < n {
			return at + int64(same), nil
		}
	}
	return -1, nil
}

func readBoth(s, t walcore.Section, x, y []byte, at int64) error {
	if _, err := s.ReadAt(x, at); err != nil {
		return err
	}
	_, err := t.ReadAt(y, at)
	return err
}
