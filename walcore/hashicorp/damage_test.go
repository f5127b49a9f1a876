package hashicorp

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/bolt"
)

// damagedDir is a fixture, its files in memory, from which damaged copies are made.
type damagedDir struct {
	t        testing.TB
	name     string
	m        manifest
	files    map[string][]byte
	values   map[uint64]slot   // of raft.db, where nothing protects them
	replaced map[string]string // by index and term
	dir      string
}

func newDamagedDir(t testing.TB, name string) *damagedDir {
	t.Helper()
	d := &damagedDir{t: t, name: name, m: readManifest(t, name), dir: fixture.Dir(t, name),
		files: map[string][]byte{}, values: map[uint64]slot{}, replaced: map[string]string{}}
	r := open(t, d.dir)
	for _, n := range r.Native() {
		d.files[n.Name] = fixture.ReadFile(t, filepath.Join(d.dir, n.Name))
	}
	for e := range r.Entries(0) {
		l := e.File.Source.(*logFile)
		i, _ := l.find(e.Index)
		d.values[e.Index] = l.slots[i]
	}
	for e := range r.Replaced(0) {
		data, err := e.Data()
		fixture.Must(t, err)
		d.replaced[fmt.Sprint(e.Index, e.Term)] = string(data)
	}
	return d
}

// write makes the directory as it is in files. What is nil is not there.
func (d *damagedDir) write(files map[string][]byte) {
	d.t.Helper()
	for name := range d.files {
		to := filepath.Join(d.dir, name)
		if b := files[name]; b != nil {
			fixture.WriteFile(d.t, to, b)
		} else {
			fixture.Must(d.t, os.Remove(to))
		}
	}
}

func (d *damagedDir) copyOfFiles() map[string][]byte {
	files := map[string][]byte{}
	for name, b := range d.files {
		files[name] = bytes.Clone(b)
	}
	return files
}

// logNames are the names of the files that the log is in.
func (d *damagedDir) logNames() (names []string) {
	for name := range d.files {
		if strings.HasSuffix(name, ".db") || strings.HasSuffix(name, ".wal") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// judge opens the directory and checks that each entry is the manifest's, or one that is said
// to be damaged, or lost at the log's end. In raft.db nothing tells that bytes within a value are
// others: those from to to may be, in entries that have them there.
func (d *damagedDir) judge(what string, from, to int64) (served, lost int) {
	d.t.Helper()
	r, err := Open(d.dir)
	if err != nil {
		if !errors.Is(err, walcore.ErrNotRaftDir) {
			d.t.Errorf("%s: %v", what, err)
		}
		return 0, len(d.m.List)
	}
	defer r.Close()
	seen := map[uint64]bool{}
	for e := range r.Entries(0) {
		data, err := e.Data()
		if err != nil {
			d.t.Errorf("%s: entry %d: %v", what, e.Index, err)
		}
		seen[e.Index] = true
		v := d.values[e.Index]
		if wrong := d.m.wrong(e, data); wrong != "" && !(r.bolt != nil && from < v.at+int64(v.value) && to > v.at) {
			d.t.Errorf("%s: entry %d: %s", what, e.Index, wrong)
		}
	}
	for e := range r.Replaced(0) {
		data, err := e.Data()
		if want, ok := d.replaced[fmt.Sprint(e.Index, e.Term)]; err == nil && (!ok || string(data) != want) {
			d.t.Errorf("%s: entry %d of term %d was not replaced", what, e.Index, e.Term)
		}
	}
	last, known := r.LastIndex()
	for _, e := range d.m.List {
		switch gap := r.Gap(e.Index, e.Index); {
		case seen[e.Index] && gap != nil:
			d.t.Errorf("%s: entry %d is there and damaged: %v", what, e.Index, gap)
		case seen[e.Index]:
		case gap == nil && (!known || e.Index <= last):
			d.t.Errorf("%s: entry %d is gone without a word", what, e.Index)
		case gap != nil && !errors.Is(gap, walcore.ErrDamaged):
			d.t.Errorf("%s: entry %d: %v", what, e.Index, gap)
		default:
			lost++
		}
	}
	if lost > 0 && len(r.Problems()) == 0 && !strings.HasPrefix(what, "cut") {
		d.t.Errorf("%s: %d entries are lost without a problem", what, lost)
	}
	for _, p := range r.Problems() {
		if p.File == "" || p.Message == "" {
			d.t.Errorf("%s: %+v says too little", what, p)
		}
	}
	return len(seen), lost
}

// TestRandomDamage: whatever happens to a file of the log, no other bytes are served.
func TestRandomDamage(t *testing.T) {
	for _, name := range fixture.HashiCorp()[:2] {
		t.Run(name, func(t *testing.T) {
			d := newDamagedDir(t, name)
			names := d.logNames()
			rnd := rand.New(rand.NewPCG(14, 8))
			served, lost := 0, 0
			for round := range fixture.Size(60, 300) {
				files := d.copyOfFiles()
				file := names[rnd.IntN(len(names))]
				b := files[file]
				at := int64(rnd.IntN(len(b)))
				to := at + 1
				what := ""
				switch rnd.IntN(6) {
				case 0, 1:
					what = "bit"
					b[at] ^= 1 << rnd.IntN(8)
				case 2:
					what, at = "sector of zeros", at&^511
					to = at + 512
					clear(b[at:to])
				case 3:
					what, at = "random page", at&^4095
					to = min(at+4096, int64(len(b)))
					for i := at; i < to; i++ {
						b[i] = byte(rnd.Uint32())
					}
				case 4:
					what, at = "another page", at&^4095
					to = min(at+4096, int64(len(b)))
					copy(b[at:to], b[rnd.IntN(len(b)/4096)*4096:])
				case 5:
					what, to = "cut", int64(len(b))
					files[file] = b[:at]
				}
				d.write(files)
				s, l := d.judge(fmt.Sprintf("%s, round %d, %s at %d", what, round, file, at), at, to)
				served, lost = served+s, lost+l
			}
			if served == 0 || lost == 0 {
				t.Errorf("%d were served, %d lost", served, lost)
			}
			t.Logf("%d were served, %d lost", served, lost)
		})
	}
}

// problemsOf lists the problems of the directory as it is in files, as text.
func (d *damagedDir) problemsOf(files map[string][]byte) string {
	d.t.Helper()
	d.write(files)
	d.judge("cut or so", 0, 1<<40)
	r, err := Open(d.dir)
	fixture.Must(d.t, err)
	defer r.Close()
	var lines []string
	for _, p := range r.Problems() {
		lines = append(lines, p.String())
	}
	return strings.Join(lines, "\n")
}

// TestKindsOfDamage: what is said of each kind.
func TestKindsOfDamage(t *testing.T) {
	const (
		second = "wal/00000000000000001154-0000000000000003.wal"
		tail   = "wal/00000000000000001482-0000000000000004.wal"
		folder = "snapshots/3-1356-1795568573281/"
	)
	d := newDamagedDir(t, "hashicorp-wal-n2")
	var ends []int
	d.files[tail], ends = rebatched(d.files[tail], 5)
	for _, test := range []struct {
		name   string
		damage func(f map[string][]byte)
		says   []string
	}{
		{"a segment is missing", func(f map[string][]byte) { f[second] = nil },
			[]string{second[4:] + " index 1154: unreadable: is missing: damaged; entries 1154 to 1481 cannot be read"}},
		{"the tail is missing", func(f map[string][]byte) { f[tail] = nil },
			[]string{tail[4:] + ": torn_tail: is missing: the node had yet to make it"}},
		{"a segment of another log", func(f map[string][]byte) { f[second][16] = 9 },
			[]string{"segment id 9, and wal-meta.db says 3: it is damaged, or of another log", "1154 to 1481"}},
		{"swapped segments", func(f map[string][]byte) { f[second], f[tail] = f[tail], f[second] },
			[]string{"base index 1482, and wal-meta.db says 1154", "base index 1154, and wal-meta.db says 1482"}},
		{"a bit in an entry", func(f map[string][]byte) { f[second][9000] ^= 1 },
			[]string{"checksum: the checksum of what was written together is wrong", second[4:]}},
		{"the length of a frame", func(f map[string][]byte) { f[second][segmentHeader+6] ^= 0x80 },
			[]string{"checksum: the checksum of what was written together is wrong"}},
		{"the tail's last commit", func(f map[string][]byte) { f[tail][ends[6]-1] ^= 1 },
			[]string{"torn_tail: what follows the last commit has no commit of its own"}},
		{"a bit early in the tail", func(f map[string][]byte) { f[tail][300] ^= 1 },
			[]string{"checksum: the checksum of what was written together is wrong", tail[4:]}},
		{"both meta pages", func(f map[string][]byte) { clear(f["wal/wal-meta.db"][:8192]) },
			[]string{"wal/wal-meta.db: meta: neither of the two meta pages is whole", "entries from 1 on cannot be read"}},
		{"a database that is cut to nothing", func(f map[string][]byte) { f["wal/wal-meta.db"] = []byte{} },
			[]string{"wal/wal-meta.db: meta:", "the file ends at 0"}},
		{"the list of segments", func(f map[string][]byte) {
			f["wal/wal-meta.db"] = bytes.ReplaceAll(f["wal/wal-meta.db"], []byte(`"MaxIndex":1153`), []byte(`"MaxIndex":1163`))
		}, []string{"the list of segments at offset", "segment 3 begins with entry 1154, and the one before ends with 1163"}},
		{"a snapshot's checksum", func(f map[string][]byte) { f[folder+"state.bin"][3] ^= 1 },
			[]string{"snapshots/3-1356-1795568573281: snapshot: the checksum of state.bin is wrong"}},
		{"a snapshot that is cut", func(f map[string][]byte) { f[folder+"state.bin"] = f[folder+"state.bin"][:5] },
			[]string{"state.bin has 5 bytes, and meta.json says 22"}},
		{"a snapshot without its blob", func(f map[string][]byte) { f[folder+"state.bin"] = nil },
			[]string{"meta.json or state.bin is missing"}},
		{"a snapshot's description", func(f map[string][]byte) { f[folder+"meta.json"] = []byte("{") },
			[]string{"snapshot: meta.json: unexpected end of JSON input"}},
	} {
		files := d.copyOfFiles()
		test.damage(files)
		got := d.problemsOf(files)
		for _, part := range test.says {
			if !strings.Contains(got, part) {
				t.Errorf("%s: it does not say %q:\n%s", test.name, part, got)
			}
		}
	}
	if got := d.problemsOf(d.files); got != "" {
		t.Errorf("without damage: %s", got)
	}
}

// TestDamageInRaftDB: entries around a page that is damaged are served, and nothing is said to
// be known of those in it.
func TestDamageInRaftDB(t *testing.T) {
	d := newDamagedDir(t, "hashicorp-bolt-n2")
	at := d.values[1200].at &^ 4095
	files := d.copyOfFiles()
	files[boltName][at] ^= 1 // the page's number
	got := d.problemsOf(files)
	if want := fmt.Sprintf("page %d at offset %d: it says that it is page", at/4096, at); !strings.Contains(got, want) || strings.Count(got, "\n") > 0 {
		t.Errorf("it does not say %q:\n%s", want, got)
	}
	served, lost := d.judge("a page", 0, 0)
	if served < len(d.m.List)/2 || lost == 0 || lost > 40 {
		t.Errorf("%d are served and %d lost", served, lost)
	}

	// A term that no neighbour has, and an index that is another one.
	value := d.values[1200]
	files = d.copyOfFiles()
	term := bytes.Index(files[boltName][value.at:], []byte("\xa4Term\x03")) + int(value.at) + 5
	files[boltName][term] = 2
	if got := d.problemsOf(files); !strings.Contains(got, "index 1200: term_goes_down: term 2 beside term 3") {
		t.Errorf("%s", got)
	}
	files[boltName][term] = 100
	if got := d.problemsOf(files); !strings.Contains(got, "index 1200: term_goes_down: term 100, and the node has only reached term 9") {
		t.Errorf("%s", got)
	}
	files = d.copyOfFiles()
	index := bytes.Index(files[boltName][value.at:], []byte("\xa5Index\xcd")) + int(value.at) + 8
	files[boltName][index] ^= 1
	says := func(what string) {
		t.Helper()
		want := fmt.Sprintf("offset %d index 1200: page: %s", value.at, what)
		if got := d.problemsOf(files); !strings.Contains(got, want) {
			t.Errorf("it does not say %q:\n%s", want, got)
		}
	}
	says("it says that it is entry 1201")
	files[boltName][value.at] = 0xc1
	says("at byte 1 of the value: a map was expected, not 0xc1")
}

// TestNothingIsKnown: where the top of raft.db is damaged, no index is said to be absent, and
// the log stays the same while the damage does.
func TestNothingIsKnown(t *testing.T) {
	d := newDamagedDir(t, "hashicorp-bolt-n2")
	newest, _, err := bolt.ReadMeta(bytes.NewReader(d.files[boltName]))
	fixture.Must(t, err)
	for what, damage := range map[string]func(b []byte){
		"the root":        func(b []byte) { clear(b[newest.Root*4096:][:16]) },
		"both meta pages": func(b []byte) { clear(b[:8192]) },
		"conf": func(b []byte) {
			root := b[newest.Root*4096:]
			clear(root[bytes.Index(root, []byte(confBucket))+len(confBucket)+16:][:16]) // it is in the root's page
		},
	} {
		files := d.copyOfFiles()
		damage(files[boltName])
		d.write(files)
		r := open(t, d.dir)
		_, known1 := r.FirstIndex()
		_, known2 := r.LastIndex()
		meta := r.Meta()
		if what == "conf" {
			if meta.Stable != nil || !meta.Damaged || !known1 || !known2 || walcore.Count(r) != len(d.m.List) || len(r.Problems()) != 1 {
				t.Errorf("%s: %+v, %v", what, meta.Stable, r.Problems())
			}
		} else if known1 || known2 || len(r.Problems()) == 0 || r.Gap(1200, 1200) == nil {
			t.Errorf("%s: %v, %v, %v", what, known1, known2, r.Problems())
		}
		for again := refresh(t, r); again != r; again = refresh(t, r) {
			r = again // until the folder's time can tell of a change
		}
		d.write(d.files)
		if now := refresh(t, r); what == "both meta pages" && len(now.Problems()) > 0 {
			t.Errorf("%s: %v after it was mended", what, now.Problems())
		}
	}
}

// TestManyDamaged: entries that follow one another and cannot be read are one problem, however
// many they are.
func TestManyDamaged(t *testing.T) {
	var list []damage
	for index := uint64(5); index < 100_000; index++ {
		if index != 70_000 {
			list = addDamage(list, 0, boltName, index, int64(index), errors.New("it is none"))
		}
	}
	if len(list) != 2 || list[0].first != 5 || list[0].last != 69_999 || list[1].first != 70_001 || list[1].last != 99_999 {
		t.Errorf("%d damages: %+v", len(list), list)
	}
	if list = addDamage(list, 2, boltName, 100_000, 0, errors.New("it is none")); len(list) != 3 {
		t.Errorf("what others have was changed: %+v", list)
	}
	w := newBoltWriter(t, 4096)
	for range 2000 {
		w.append(1, 20)
	}
	for i := 100; i < 1900; i++ {
		w.entries[i].value = []byte("none")
	}
	w.commit()
	r := open(t, w.dir())
	if p := r.Problems(); len(p) != 1 || p[0].Index != 101 || !strings.HasSuffix(p[0].Message, "; entries 101 to 1900 cannot be read") {
		t.Errorf("%v", p)
	}
	n := 0
	for range r.Entries(0) {
		n++
	}
	if _, err := r.Entry(1000); !errors.Is(err, walcore.ErrDamaged) || !strings.HasPrefix(err.Error(), "entry 1000: ") || n != 200 {
		t.Errorf("%d entries, %v", n, err)
	}
}
