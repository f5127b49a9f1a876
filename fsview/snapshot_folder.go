package fsview

import (
	"maps"
	"slices"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/payload"
	"github.com/walfs/walfs/walcore/status"
)

func (t *Tree) snapshotsFolder() *fixedFolder {
	snap := t.log.Meta().Snapshot
	switch {
	case snap == nil && t.log.Meta().Damaged:
		f := newFixedFolder()
		f.unreadable = func(name string) string {
			if _, _, ok := parsePair(name); ok || name == "latest" {
				return "cannot be read"
			}
			return ""
		}
		return f
	case snap == nil || snap.Stored.Size == 0:
		return newFixedFolder()
	}
	// Node ids have no room for the term: of two with one index, which no group has, the later
	// one is shown.
	items := map[uint64]item{}
	for _, s := range t.log.Meta().AllSnapshots() {
		items[s.Index] = t.snapshotFolder(s)
	}
	items[snap.Index] = t.snapshotFolder(snap)
	list := slices.Collect(maps.Values(items))
	name := pairName(snap.Term, snap.Index)
	return newFixedFolder(append(list, t.add("latest", nodeOfParts(kindLatest, 0, snap.Index), link(name)))...)
}

func (t *Tree) snapshotFolder(snap *walcore.Snapshot) item {
	add := func(name string, which uint64, o object) item {
		return t.add(name, nodeOfParts(kindSnapshot, which, snap.Index), o)
	}
	stored := "snapshot.pb"
	if t.log.Meta().System.Name == walcore.HashiCorp {
		stored = "meta.json"
	}
	return add(pairName(snap.Term, snap.Index), snapshotFolder, newFixedFolder(
		add("data", snapshotData, sectionFile{snap.Data, &snap.Attr}),
		add("metadata.json", snapshotMetadata, newText(&snap.Attr, func() ([]byte, error) { return metadataJSON(snap) })),
		add("decoded.json", snapshotDecoded, t.decodedSnapshot(snap)),
		add(stored, snapshotStored, sectionFile{snap.Stored, &snap.Attr}),
	))
}

func (t *Tree) decodedSnapshot(snap *walcore.Snapshot) *text {
	x := newText(&snap.Attr, func() ([]byte, error) {
		return payload.AppendSnapshotOf(nil, t.Decoder(), snap)
	})
	x.costly = true
	return x
}

func metadataJSON(s *walcore.Snapshot) ([]byte, error) {
	return status.Indented(struct {
		Index     uint64            `json:"index"`
		Term      uint64            `json:"term"`
		ConfState walcore.ConfState `json:"conf_state"`
	}{s.Index, s.Term, s.ConfState})
}
