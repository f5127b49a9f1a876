package fsview

import (
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/payload"
	"github.com/walfs/walfs/walcore/status"
)

func (t *Tree) snapshots() *fixedFolder {
	snap := t.log.Meta().Snapshot
	if snap == nil {
		f := newFixedFolder()
		f.lost = func(name string) string {
			if _, _, ok := parsePair(name); ok || name == "latest" {
				return "cannot be read"
			}
			return ""
		}
		return f
	}
	if snap.Index == 0 {
		return newFixedFolder()
	}
	put := func(name string, which uint64, o object) item {
		return t.put(name, pair(kindSnapshot, which, snap.Index), o)
	}
	folder := newFixedFolder(
		put("data", snapshotData, part{snap.Data, &snap.Attr}),
		put("metadata.json", snapshotMetadata, newText(&snap.Attr, func() ([]byte, error) { return metadataJSON(snap) })),
		put("decoded.json", snapshotDecoded, t.decodedSnapshot(snap)),
		put("snapshot.pb", snapshotStored, part{snap.Stored, &snap.Attr}),
	)
	name := pairName(snap.Term, snap.Index)
	return newFixedFolder(put(name, snapshotFolder, folder), t.put("latest", node(kindLatest, snap.Index), link(name)))
}

func (t *Tree) decodedSnapshot(snap *walcore.Snapshot) *text {
	x := newText(&snap.Attr, func() ([]byte, error) {
		blob, err := payload.SnapshotData(t.log)
		if err != nil {
			return nil, err
		}
		return t.decoding.decoder(t.log).AppendSnapshot(nil, blob), nil
	})
	x.lazy = true
	return x
}

func metadataJSON(s *walcore.Snapshot) ([]byte, error) {
	return status.Indented(struct {
		Index     uint64            `json:"index"`
		Term      uint64            `json:"term"`
		ConfState walcore.ConfState `json:"conf_state"`
	}{s.Index, s.Term, s.ConfState})
}
