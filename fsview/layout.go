package fsview

import (
	_ "embed"
	"slices"
	"strconv"
	"strings"

	"github.com/walfs/walfs/meta"
	"github.com/walfs/walfs/walcore/app"
	"github.com/walfs/walfs/walcore/dgraph"
	"github.com/walfs/walfs/walcore/format"
	"github.com/walfs/walfs/walcore/payload"
	"github.com/walfs/walfs/walcore/platform"
)

// Folders with fixed places. Numbers are part of inode numbers: they stay.
const (
	folderEntries = iota
	folderTerms
	folderTypes
	folderNormal // the three types, in raftpb's order
	folderConfChange
	folderConfChangeV2
	folderFiles
	folderMeta
	folderHardState
	folderConfState
	folderSnapshots
	folderNative
	folderDecoded
)

// Texts that are not metadata; those of meta/ come after them.
const (
	textReadme = iota
	textStatus
	textMembers
	textMeta
)

// Parts of a snapshot's folder.
const (
	snapshotFolder = iota
	snapshotData
	snapshotMetadata
	snapshotStored
	snapshotDecoded
)

//go:embed readme.txt
var readme []byte

// New makes the tree of an open directory. The reader must stay open as long
// as the tree is used. decoder says what entries mean; nil takes Dgraph's.
func New(r *dgraph.Reader, decoder payload.Decoder) *Tree {
	return newTree(r, &decoding{given: decoder})
}

func newTree(r *dgraph.Reader, d *decoding) *Tree {
	t := &Tree{r: r, newest: newestTime(r), fixed: map[Node]object{},
		commit: r.Meta().HardState.GetCommit(), decoding: d}
	t.build()
	return t
}

// build fills the fixed part of the tree.
func (t *Tree) build() {
	r := t.r
	t.fixed[Root] = newFixedFolder(
		t.text("README", textReadme, r.Attr, func() ([]byte, error) { return readme, nil }),
		t.status(),
		t.place("entries", folderEntries, entryFolder{r.Log(), r.Log().Entries, anyEntry}),
		t.place("terms", folderTerms, termsFolder{}),
		t.place("types", folderTypes, t.types()),
		t.place("files", folderFiles, t.files()),
		t.place("decoded", folderDecoded, decodedFolder{}),
		t.place("meta", folderMeta, t.meta()),
		t.place("snapshots", folderSnapshots, t.snapshots()),
		t.place("native", folderNative, t.native()),
	)
}

func (t *Tree) place(name string, folder uint64, o object) item {
	return t.put(name, node(kindFolder, folder), o)
}

func (t *Tree) put(name string, n Node, o object) item {
	t.fixed[n] = o
	return item{name, n}
}

func (t *Tree) text(name string, number uint64, of platform.Attr, body func() ([]byte, error)) item {
	return t.put(name, pair(kindText, number, 0), newText(of, body))
}

// metaAttr is whose owner and permissions the metadata's texts have.
func (t *Tree) metaAttr() platform.Attr {
	if f := t.r.MetaFile(); f != nil {
		return f.Attr
	}
	return t.r.Attr
}

func (t *Tree) status() item {
	x := newText(t.metaAttr(), func() ([]byte, error) { return NewStatus(t.r).JSON() })
	x.lazy = true
	return t.put("status.json", pair(kindText, textStatus, 0), x)
}

func (t *Tree) types() *fixedFolder {
	var items []item
	for i, name := range typeNames {
		n := node(kindFolder, uint64(folderNormal+i))
		items = append(items, t.put(name, n, entryFolder{t.r.Log(), t.r.Log().Entries,
			func(e *dgraph.Entry) bool {
				in, known := typeFolder(e.Type)
				return known && in == n
			}}))
	}
	return newFixedFolder(items...)
}

// unreadable is fixedFolder.lost for the directory's own files.
func (t *Tree) unreadable(name string) (why string) {
	if slices.Contains(t.r.Unreadable(), name) {
		return "cannot be read"
	}
	return ""
}

func (t *Tree) files() *fixedFolder {
	var items []item
	for _, f := range t.r.Log().Files() {
		items = append(items, t.put(f.Name, node(kindLogFile, f.ID), entryFolder{t.r.Log(), f.Entries,
			func(e *dgraph.Entry) bool { return e.File == f }}))
	}
	f := newFixedFolder(items...)
	f.lost = t.unreadable
	return f
}

func (t *Tree) native() *fixedFolder {
	var items []item
	for _, f := range t.r.Native() {
		arg := uint64(0)
		if f.Name == format.KeyRegistryName {
			arg = 1
		} else if id, ok := format.ParseFileName(f.Name); ok {
			arg = 2 + id
		}
		items = append(items, t.put(f.Name, node(kindNative, arg), newNative(f)))
	}
	f := newFixedFolder(items...)
	f.lost = t.unreadable
	return f
}

func (t *Tree) meta() *fixedFolder {
	m := t.r.Meta()
	texts := metaTexts{tree: t, next: textMeta}
	top := texts.folder(func() {
		texts.number("raft_id", m.RaftID)
		texts.number("group_id", m.GroupID)
		texts.number("checkpoint_index", m.CheckpointIndex)
		texts.number("snapshot_index", m.SnapshotIndex)
		texts.number("snapshot_term", m.SnapshotTerm)
		texts.computed("first_index", t.r.KnowsFirstIndex(), t.r.FirstIndex)
		texts.computed("last_index", t.r.KnowsLastIndex(), t.r.LastIndex)
	})
	hard := texts.folder(func() {
		hs := m.HardState
		texts.value("term", hs != nil, func() string { return decimal(hs.GetTerm()) })
		texts.value("vote", hs != nil, func() string { return decimal(hs.GetVote()) })
		texts.value("commit", hs != nil, func() string { return decimal(hs.GetCommit()) })
	})
	conf := texts.folder(func() {
		known := !m.SnapshotDamaged()
		var cs ConfState
		if m.Snapshot != nil {
			cs = confState(m.Snapshot.Metadata.GetConfState())
		}
		texts.value("voters", known, func() string { return lines(cs.Voters) })
		texts.value("learners", known, func() string { return lines(cs.Learners) })
		texts.value("voters_outgoing", known, func() string { return lines(cs.VotersOutgoing) })
		texts.value("learners_next", known, func() string { return lines(cs.LearnersNext) })
		texts.value("auto_leave", known, func() string { return strconv.FormatBool(cs.AutoLeave) + "\n" })
	})
	members := t.text("members", textMembers, t.metaAttr(), func() ([]byte, error) { return membersText(t.r) })
	f := newFixedFolder(append(top.items, members,
		t.place("hard_state", folderHardState, hard),
		t.place("conf_state", folderConfState, conf))...)
	f.lost = top.lost
	return f
}

// metaTexts gives each value its node, in the order in which they are added.
type metaTexts struct {
	tree *Tree
	next uint64
	// of the folder that is being filled
	items []item
	lost  []string
}

func (m *metaTexts) folder(fill func()) *fixedFolder {
	m.items, m.lost = nil, nil
	fill()
	f, lost := newFixedFolder(m.items...), m.lost
	f.lost = func(name string) string {
		if slices.Contains(lost, name) {
			return "is not known"
		}
		return ""
	}
	return f
}

// value adds a file if its value is known; if not, the name is kept as lost.
func (m *metaTexts) value(name string, known bool, body func() string) {
	n := pair(kindText, m.next, 0)
	m.next++
	if !known {
		m.lost = append(m.lost, name)
		return
	}
	x := newText(m.tree.metaAttr(), func() ([]byte, error) { return []byte(body()), nil })
	m.items = append(m.items, m.tree.put(name, n, x))
}

func (m *metaTexts) number(name string, v *uint64) {
	m.value(name, v != nil, func() string { return decimal(*v) })
}

// computed adds a value that takes a look at the log.
func (m *metaTexts) computed(name string, known bool, get func() (uint64, bool)) {
	m.value(name, known, func() string {
		v, _ := get()
		return decimal(v)
	})
}

func decimal(n uint64) string { return strconv.FormatUint(n, 10) + "\n" }

func lines(ids []uint64) string {
	var b strings.Builder
	for _, id := range ids {
		b.WriteString(decimal(id))
	}
	return b.String()
}

func (t *Tree) snapshots() *fixedFolder {
	snap := t.r.Meta().Snapshot
	if snap == nil {
		f := newFixedFolder()
		if t.r.Meta().SnapshotDamaged() {
			f.lost = func(name string) string {
				if name == "latest" || isSnapshotName(name) {
					return "cannot be read from " + format.MetaName
				}
				return ""
			}
		}
		return f
	}
	file := t.r.MetaFile()
	index, term := snap.Metadata.GetIndex(), snap.Metadata.GetTerm()
	part := func(at, size int64) part {
		return part{file, at, size, func() error { return app.SameSnapshot(t.r) }}
	}
	put := func(name string, which uint64, o object) item {
		return t.put(name, pair(kindSnapshot, which, index), o)
	}
	folder := newFixedFolder(
		put("data", snapshotData, part(snap.DataAt, snap.DataSize)),
		put("metadata.json", snapshotMetadata, newText(file.Attr, func() ([]byte, error) { return metadataJSON(snap) })),
		put("decoded.json", snapshotDecoded, t.decodedSnapshot(file)),
		put("snapshot.pb", snapshotStored, part(snap.At, snap.Size)),
	)
	name := snapshotName(term, index)
	return newFixedFolder(put(name, snapshotFolder, folder), t.put("latest", node(kindLatest, index), link(name)))
}

func (t *Tree) decodedSnapshot(file *dgraph.NativeFile) *text {
	x := newText(file.Attr, func() ([]byte, error) {
		blob, err := app.Snapshot(t.r)
		if err != nil {
			return nil, err
		}
		return t.decoding.decoder(t.r).AppendSnapshot(nil, blob), nil
	})
	x.lazy = true
	return x
}

func metadataJSON(s *meta.Snapshot) ([]byte, error) {
	return indented(struct {
		Index     uint64    `json:"index"`
		Term      uint64    `json:"term"`
		ConfState ConfState `json:"conf_state"`
	}{s.Metadata.GetIndex(), s.Metadata.GetTerm(), confState(s.Metadata.GetConfState())})
}
