package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/nativelog"
	"github.com/walfs/walfs/walcore/diff"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// setCommit lowers the commit index in wal.meta.
func setCommit(t *testing.T, dir string, commit uint64) {
	t.Helper()
	meta := fixture.Edit(t, filepath.Join(dir, "wal.meta"))
	const at, room = 512, 4 + 33
	hs := &raftpb.HardState{}
	n := binary.BigEndian.Uint32(meta.Read(at, 4))
	if err := proto.Unmarshal(meta.Read(at+4, int(n)), hs); err != nil {
		t.Fatal(err)
	}
	hs.Commit = &commit
	b, err := proto.Marshal(hs)
	if err != nil {
		t.Fatal(err)
	}
	meta.Write(at, append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), append(b, make([]byte, room-len(b))...)...))
}

// report runs diff --json and wants an exit code.
func report(t *testing.T, code int, args ...string) *diff.Report {
	t.Helper()
	r := walfs(t, append([]string{"diff", "--json"}, args...)...)
	if r.code != code {
		t.Fatalf("diff %v: exit code %d, want %d\n%s%s", args, r.code, code, r.stdout, r.stderr)
	}
	rep := &diff.Report{}
	d := json.NewDecoder(strings.NewReader(r.stdout))
	d.DisallowUnknownFields()
	if err := d.Decode(rep); err != nil {
		t.Fatalf("%v\n%s", err, r.stdout)
	}
	return rep
}

// TestDiffOfACluster: three replicas, the first of which lags.
func TestDiffOfACluster(t *testing.T) {
	if !fixture.Has("cluster-node0") {
		t.Skip("only among the large fixtures")
	}
	var dirs []string
	for i := range 3 {
		dirs = append(dirs, fixture.Dir(t, fmt.Sprintf("cluster-node%d", i)))
	}
	text := ok(t, append([]string{"diff"}, dirs...)...)
	for _, want := range []string{
		"common range: 1 to 7940\n",
		"ahead: " + dirs[1] + " has 7941 to 7957 (17 entries) that " + dirs[0] + " lacks\n",
		"alike: no entry that two replicas have differs\n",
		"1 to 7957  3     3     7957    6434 (term 3)  0\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s\nwant %s", text, want)
		}
	}
	rep := report(t, 0, dirs...)
	if rep.Parted != nil || rep.Broken != nil || len(rep.Ahead) != 1 || *rep.Common != (diff.Range{First: 1, Last: 7940}) || rep.Unreadable != 0 {
		t.Errorf("%+v", rep)
	}

	// The odd one out is found whichever place it has.
	fixture.Edit(t, filepath.Join(dirs[2], "00001.wal")).Set(4999, fixture.Type, 1)
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 2, 0}} {
		rep := report(t, 3, dirs[order[0]], dirs[order[1]], dirs[order[2]])
		if rep.Parted == nil || rep.Parted.Index != 5000 || rep.Parted.What != "type" || len(rep.Parted.Entries) != 3 || rep.Differs != 1 {
			t.Errorf("%v: %+v", order, rep.Parted)
		}
	}
}

// TestDiffFindsWhatDiffers: one thing changed in a copy.
func TestDiffFindsWhatDiffers(t *testing.T) {
	a := fixture.Dir(t, "alpha")
	at := func(n int) *int { return &n }
	for _, test := range []struct {
		name   string
		change func(dir string, file fixture.File)
		want   diff.Difference
		broken bool
		text   string
	}{
		{"a payload's first byte", func(_ string, f fixture.File) { f.Write(int64(f.Get(41, fixture.Offset))+4, []byte{0xee}) },
			diff.Difference{Index: 42, What: "payload", Byte: at(0)}, true, "parted at index 42, by payload from byte 0 on:\n"},
		{"a payload's last byte", func(_ string, f fixture.File) {
			last := int64(f.Get(41, fixture.Offset)) + 4 + int64(f.Length(41)) - 1
			f.Write(last, []byte{f.Read(last, 1)[0] ^ 1})
		}, diff.Difference{Index: 42, What: "payload", Byte: at(31)}, true, "parted at index 42, by payload from byte 31 on:\n"},
		{"the last term", func(_ string, f fixture.File) { f.Set(974, fixture.Term, 3) },
			diff.Difference{Index: 975, What: "term"}, true, "parted at index 975, by term:\n"},
		{"a type", func(_ string, f fixture.File) { f.Set(0, fixture.Type, 0) },
			diff.Difference{Index: 1, What: "type"}, true, "parted at index 1, by type:\n"},
		{"what is not committed", func(dir string, f fixture.File) { f.Set(974, fixture.Term, 3); setCommit(t, dir, 974) },
			diff.Difference{Index: 975, What: "term"}, false, "term 3, normal, 27 bytes, not committed: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := fixture.Dir(t, "alpha")
			test.change(b, fixture.Edit(t, filepath.Join(b, "00001.wal")))
			rep := report(t, 3, a, b)
			p := rep.Parted
			if p == nil || p.Index != test.want.Index || p.What != test.want.What || rep.Differs != 1 {
				t.Fatalf("parted %+v, want %+v", p, test.want)
			}
			if (p.Byte == nil) != (test.want.Byte == nil) || p.Byte != nil && *p.Byte != *test.want.Byte {
				t.Errorf("from byte %v, want %v", p.Byte, test.want.Byte)
			}
			if (rep.Broken != nil) != test.broken {
				t.Errorf("broken %+v, want %v", rep.Broken, test.broken)
			}
			r := walfs(t, "diff", a, b)
			if r.code != 3 || !strings.Contains(r.stdout, test.text) || !strings.HasSuffix(r.stdout, "\n1 index differs\n") ||
				strings.Contains(r.stdout, "RAFT'S PROMISE IS BROKEN") != test.broken {
				t.Errorf("exit code %d, %s, want %q", r.code, r.stdout, test.text)
			}
		})
	}
}

// TestDiffBrokenLater: logs can part where it is allowed first, and where it is
// not after that.
func TestDiffBrokenLater(t *testing.T) {
	a, b, c := fixture.Dir(t, "alpha"), fixture.Dir(t, "alpha"), fixture.Dir(t, "alpha")
	for _, dir := range []string{a, b} { // a and b have not committed 900, a and c have 800
		setCommit(t, dir, 899)
	}
	setCommit(t, b, 10)
	fixture.Edit(t, filepath.Join(b, "00001.wal")).Set(499, fixture.Type, 2)
	fixture.Edit(t, filepath.Join(c, "00001.wal")).Set(799, fixture.Type, 2)
	rep := report(t, 3, a, b, c)
	if rep.Parted == nil || rep.Parted.Index != 500 || rep.Broken == nil || rep.Broken.Index != 800 || rep.Differs != 2 {
		t.Errorf("parted %+v, broken %+v", rep.Parted, rep.Broken)
	}
	text := walfs(t, "diff", a, b, c).stdout
	if !strings.Contains(text, "committed entries differ, first at index 800\n") || !strings.Contains(text, "parted at index 500, by type:\n") {
		t.Error(text)
	}
}

// TestDiffFirstByte: of three payloads, the first place where any two differ.
func TestDiffFirstByte(t *testing.T) {
	a, b, c := fixture.Dir(t, "alpha"), fixture.Dir(t, "alpha"), fixture.Dir(t, "alpha")
	for dir, at := range map[string]int64{b: 20, c: 5} {
		f := fixture.Edit(t, filepath.Join(dir, "00001.wal"))
		f.Write(int64(f.Get(41, fixture.Offset))+4+at, []byte{0xee})
	}
	for _, order := range [][]string{{a, b, c}, {c, b, a}, {b, a, c}} {
		if rep := report(t, 3, order...); rep.Parted == nil || rep.Parted.Byte == nil || *rep.Parted.Byte != 5 {
			t.Errorf("%+v", rep.Parted)
		}
	}
}

// TestDiffAfterASnapshot: who has got a snapshot instead of entries lacks only
// what is above it.
func TestDiffAfterASnapshot(t *testing.T) {
	snapshot := &raftpb.Snapshot{Metadata: &raftpb.SnapshotMetadata{Index: proto.Uint64(6), Term: proto.Uint64(3)}}
	empty := filepath.Join(t.TempDir(), "w")
	if err := nativelog.Write(empty, nativelog.Meta{GroupID: 1, Commit: 6, Snapshot: snapshot}, slices.Values([]nativelog.Entry{})); err != nil {
		t.Fatal(err)
	}
	rep := report(t, 0, shopLog(t), empty)
	if len(rep.Ahead) != 1 || rep.Ahead[0].Range != (diff.Range{First: 7, Last: 7}) || rep.Common != nil {
		t.Errorf("%+v", rep)
	}
}

// TestDiffOfStrangers: logs of two groups are no replicas, and have promised
// each other nothing.
func TestDiffOfStrangers(t *testing.T) {
	a, z := fixture.Dir(t, "alpha"), fixture.Dir(t, "zero")
	rep := report(t, 3, a, z)
	if len(rep.Notes) != 1 || rep.Broken != nil || rep.Parted == nil {
		t.Errorf("%+v", rep)
	}
	if text := walfs(t, "diff", a, z).stdout; !strings.Contains(text, "NOT ALIKE: "+a+" is of group 1, "+z+" of group 0") || strings.Contains(text, "BROKEN") {
		t.Error(text)
	}
}

// TestDiffKeys: each directory its own.
func TestDiffKeys(t *testing.T) {
	encrypted, encrypted256, plain := fixture.Dir(t, "sealed128"), fixture.Dir(t, "sealed256"), fixture.Dir(t, "alpha")
	k128, k256 := keyFile(t, "sealed128"), keyFile(t, "sealed256")
	if rep := report(t, 0, "--key-file", k128, encrypted, encrypted); rep.Unreadable != 0 {
		t.Errorf("%+v", rep)
	}
	report(t, 0, "--key-file", k128, "--key-file", k128, encrypted, encrypted)
	fails(t, 4, "wrong key", "diff", "--key-file", k128, encrypted, encrypted256)
	r := walfs(t, "diff", "--key-file", k128, "--key-file", k256, encrypted, encrypted256)
	if r.code == 4 || r.code == 1 || strings.Contains(r.stderr, "could not be read") {
		t.Errorf("with a key each: exit code %d\n%s", r.code, r.stderr)
	}
	r = walfs(t, "diff", "--key-file", "", "--key-file", k128, plain, encrypted)
	if r.code != 3 || strings.Contains(r.stderr, "could not be read") {
		t.Errorf("one with a key, one without: exit code %d\n%s", r.code, r.stderr)
	}
	fails(t, 2, "2 key files for 3 directories", "diff", "--key-file", k128, "--key-file", k256, encrypted, encrypted, encrypted)
	fails(t, 2, "DIR is missing: walfs diff", "diff", encrypted)
	fails(t, 1, "no/such/dir", "diff", encrypted, "no/such/dir")

	// Without a key, terms, types and sizes are still compared.
	r = fails(t, 4, "not all could be compared", "diff", encrypted, encrypted)
	if strings.Contains(r.stdout, "alike:") {
		t.Errorf("called alike, though nothing was compared: %s", r.stdout)
	}
	changed := fixture.Dir(t, "sealed128")
	fixture.Edit(t, filepath.Join(changed, "00001.wal")).Set(9, fixture.Type, 2)
	rep := report(t, 3, encrypted, changed)
	if rep.Parted == nil || rep.Parted.Index != 10 || rep.Parted.Entries[0].SHA256 != nil {
		t.Errorf("%+v", rep.Parted)
	}
	longer := fixture.Dir(t, "sealed128")
	fixture.Edit(t, filepath.Join(longer, "00001.wal")).SetLength(649, 1)
	if rep := report(t, 3, encrypted, longer); rep.Parted == nil || rep.Parted.Index != 650 || rep.Parted.What != "payload" || rep.Parted.Byte != nil {
		t.Errorf("%+v", rep.Parted)
	}
	if text := walfs(t, "diff", encrypted, changed).stdout; !strings.Contains(text, "committed: cannot be read\n") {
		t.Error(text)
	}
}

// TestDiffOfDamage: what cannot be read is no difference, and not passed over.
func TestDiffOfDamage(t *testing.T) {
	a, b := fixture.Dir(t, "alpha"), fixture.Dir(t, "alpha")
	file := fixture.Edit(t, filepath.Join(b, "00001.wal"))
	for _, slot := range []int{0, 41, 974} {
		file.Set(slot, fixture.Offset, 4)
	}
	rep := report(t, 3, a, b)
	if rep.Parted != nil || rep.Unreadable != 3 || rep.Differs != 0 {
		t.Errorf("%+v", rep)
	}
	r := fails(t, 3, "not all could be compared; walfs stat tells why", "diff", a, b)
	if !strings.Contains(r.stdout, "no entry that could be compared differs; 3 could not be compared in full\n") {
		t.Error(r.stdout)
	}
}

// TestDiffDecodes: by the user's schema, too.
func TestDiffDecodes(t *testing.T) {
	a, b := shopLog(t), shopLog(t)
	f := fixture.Edit(t, filepath.Join(b, "00001.wal"))
	f.Write(int64(f.Get(2, fixture.Offset))+4+9, []byte{10})
	r := walfs(t, "diff", "--proto", shop, "--message", "shop.Order", "--skip", "8", a, b)
	if r.code != 3 || !strings.Contains(r.stdout, `10 bytes, committed: {"number":"9"}`) || !strings.Contains(r.stdout, `10 bytes, committed: {"number":"10"}`) {
		t.Errorf("exit code %d\n%s", r.code, r.stdout)
	}
	r = walfs(t, "diff", "--decoder", `read -r l; exit 1`, a, b)
	if r.code != 3 || !strings.Contains(r.stderr, "entry 3: decoder program: it ended without an answer") {
		t.Errorf("exit code %d\n%s%s", r.code, r.stdout, r.stderr)
	}
}

// TestDiffJSONFields: names that scripts rely on.
func TestDiffJSONFields(t *testing.T) {
	a, b := fixture.Dir(t, "alpha"), fixture.Dir(t, "alpha")
	fixture.Edit(t, filepath.Join(b, "00001.wal")).Set(9, fixture.Type, 1)
	v := fixture.ParseJSON(t, []byte(walfs(t, "diff", "--json", a, b).stdout))
	fields := func(v any, want ...string) {
		t.Helper()
		got := slices.Sorted(maps.Keys(v.(map[string]any)))
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("fields %v, want %v", got, want)
		}
	}
	fields(v, "replicas", "common", "parted", "broken", "differs", "emptied", "ahead", "notes", "unreadable")
	fields(v["replicas"].([]any)[0], "dir", "system", "raft_id", "group_id", "first_index", "last_index", "hard_state", "snapshot", "problems")
	fields(v["common"], "first_index", "last_index")
	parted := v["parted"].(map[string]any)
	fields(parted, "index", "what", "promise", "byte", "entries")
	fields(parted["entries"].([]any)[0], "dir", "term", "type", "size", "sha256", "committed")
	for _, list := range []string{"emptied", "ahead", "notes"} {
		if list, ok := v[list].([]any); !ok || len(list) != 0 {
			t.Errorf("%v, want an empty list", v)
		}
	}
}

// TestDiffOthers: the replicas of other systems. Of etcd's members only the log counts, and what
// they agree on in their snapshots; of HashiCorp's a node that has lost its last entries to a later
// leader parts from the others.
func TestDiffOthers(t *testing.T) {
	fixture.NotForRace(t)
	small := walfs(t, "diff", fixture.Dir(t, "etcd-small"), fixture.Dir(t, "etcd-small"))
	if small.code != 0 || !strings.Contains(small.stdout, "8ccdcd827cc81aab") || !strings.HasSuffix(small.stdout, "alike: no entry that two replicas have differs\n") {
		t.Errorf("exit code %d\n%s", small.code, small.stdout)
	}
	mixed := walfs(t, "diff", fixture.Dir(t, "etcd-small"), fixture.Dir(t, "hashicorp-wal-n2"))
	if mixed.code != exitDamage || !strings.Contains(mixed.stdout, "they are no replicas of one another") {
		t.Errorf("exit code %d\n%s", mixed.code, mixed.stdout)
	}
	if !fixture.Full() || !fixture.Has("etcd-n1") || !fixture.Has("hashicorp-wal-n1") {
		return
	}
	members := walfs(t, "diff", fixture.Dir(t, "etcd-n1"), fixture.Dir(t, "etcd-n2"), fixture.Dir(t, "etcd-n3"))
	if members.code != 0 || !strings.Contains(members.stdout, " has 1561 to 2361 (801 entries) that ") {
		t.Errorf("exit code %d\n%s", members.code, members.stdout)
	}
	for _, store := range []string{"wal", "bolt"} {
		nodes := walfs(t, "diff", fixture.Dir(t, "hashicorp-"+store+"-n1"), fixture.Dir(t, "hashicorp-"+store+"-n2"))
		if nodes.code != exitDamage || !strings.Contains(nodes.stdout, "\nparted at index 1482, by term:\n") || !strings.HasSuffix(nodes.stdout, "\n25 indexes differ\n") {
			t.Errorf("exit code %d\n%s", nodes.code, nodes.stdout)
		}
	}
}
