//go:build unix

package fsview

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/raftdir"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/dgraph"
	"github.com/walfs/walfs/walcore/payload"
)

// read reads all of a file, and compares its length with the size that stat tells.
func read(t *testing.T, tree *Tree, name string) []byte {
	t.Helper()
	st, err := tree.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	f, err := tree.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	text, err := io.ReadAll(f)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if st.Size() != int64(len(text)) {
		t.Fatalf("%s: size %d, %d bytes read", name, st.Size(), len(text))
	}
	return text
}

// TestDecodedAgreesWithDgraph: the texts say what Dgraph's own code has decoded, of every
// entry and snapshot.
func TestDecodedAgreesWithDgraph(t *testing.T) {
	for _, name := range fixture.WithDecoded() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tree, _ := open(t, name)
			want := fixture.ReadDecoded(t, name)
			list, err := fs.ReadDir(tree, "decoded")
			if err != nil {
				t.Fatal(err)
			}
			if len(list) != len(want.Entries) {
				t.Fatalf("%d names, want %d", len(list), len(want.Entries))
			}
			for i, w := range want.Entries {
				index := fmt.Sprint(w["index"])
				full := fmt.Sprintf("%020s.json", index)
				if list[i].Name() != full {
					t.Fatalf("name %d is %s, want %s", i, list[i].Name(), full)
				}
				text := read(t, tree, "decoded/"+full)
				if info, err := list[i].Info(); err != nil || info.Size() != int64(len(text)) {
					t.Fatalf("%s is listed with size %d, not %d (%v)", full, info.Size(), len(text), err)
				}
				if got := fixture.ParseJSON(t, text); !reflect.DeepEqual(got, w) {
					t.Fatalf("%s:\n%s\nwant %v", full, text, w)
				}
				if !bytes.Equal(text, read(t, tree, "decoded/"+index+".json")) {
					t.Fatalf("the short name of %s has another text", full)
				}
				if !bytes.HasPrefix(text, []byte("{\n  \"")) || !bytes.HasSuffix(text, []byte("\n}\n")) {
					t.Fatalf("%s is not indented by two spaces, with a newline at the end: %s", full, text)
				}
			}
			checkSnapshot(t, tree, want.Snapshot)
		})
	}
}

func checkSnapshot(t *testing.T, tree *Tree, want any) {
	t.Helper()
	if want == nil {
		if list, err := fs.ReadDir(tree, "snapshots"); err != nil || len(list) > 0 {
			t.Errorf("snapshots where there is none: %v (%v)", list, err)
		}
		return
	}
	text := read(t, tree, "snapshots/latest/decoded.json")
	got := fixture.ParseJSON(t, text)
	blob := read(t, tree, "snapshots/latest/data")
	if got["size"] != json.Number(fmt.Sprint(len(blob))) {
		t.Errorf("the snapshot's size is %v, want %d", got["size"], len(blob))
	}
	if !reflect.DeepEqual(got["snapshot"], want) {
		t.Errorf("snapshot %s\nwant %v", text, want)
	}
}

// TestDecodedIsAnIOFS: names, sizes and modes as io/fs wants them.
func TestDecodedIsAnIOFS(t *testing.T) {
	fixture.OneSize(t)
	fixture.NotForRace(t)
	tree, _ := open(t, "zero")
	sub, err := fs.Sub(tree, "decoded")
	if err != nil {
		t.Fatal(err)
	}
	if err := fstest.TestFS(sub, "00000000000000000042.json"); err != nil {
		t.Fatal(err)
	}
}

// TestDecodedNames: a name that no entry's text can have does not exist.
func TestDecodedNames(t *testing.T) {
	tree, _ := open(t, "zero")
	for _, name := range []string{"42", "042.json", "420.json", "0.json", "-1.json", "42.JSON", "42.json.json", ".json",
		"99999999999999999999.json", "18446744073709551615.json", "00000000000000000042"} {
		if _, err := tree.Stat("decoded/" + name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v, want not exist", name, err)
		}
	}
}

// TestDecodedWithoutKey: without a key there is nothing to list, and a look-up tells why.
func TestDecodedWithoutKey(t *testing.T) {
	tree := openDir(t, fixture.Dir(t, "sealed128"), nil)
	list, err := fs.ReadDir(tree, "decoded")
	if err != nil || len(list) != 0 {
		t.Fatalf("%d names, want none (%v)", len(list), err)
	}
	if _, err := fs.ReadFile(tree, "decoded/42.json"); !errors.Is(err, walcore.ErrNoKey) {
		t.Errorf("text of an encrypted entry: %v, want %v", err, walcore.ErrNoKey)
	}
}

// TestDecodedOfOverwritten: an entry that a writer has overwritten since the tree was made
// keeps its name, and cannot be read.
func TestDecodedOfOverwritten(t *testing.T) {
	w := raftdir.Create(filepath.Join(t.TempDir(), "w"), raftdir.Options{})
	t.Cleanup(w.Close)
	w.Append(50)
	tree := openDir(t, w.Dir(), nil)
	before, err := fs.ReadDir(tree, "decoded")
	if err != nil || len(before) != 50 {
		t.Fatalf("%d names (%v)", len(before), err)
	}
	w.Rewind(20)
	w.Append(1)
	now := 0
	tree.List(node(kindFolder, folderDecoded), 0, func(d Dirent) bool {
		if now++; d.Name != before[now-1].Name() {
			t.Errorf("%s is listed, want %s", d.Name, before[now-1].Name())
		}
		return true
	})
	if now != len(before) {
		t.Errorf("%d names, want %d", now, len(before))
	}
	if _, err := fs.ReadFile(tree, "decoded/22.json"); !errors.Is(err, walcore.ErrChanged) {
		t.Errorf("an overwritten entry's text: %v, want %v", err, walcore.ErrChanged)
	}
}

// TestDecodedByAProgram: sizes are exact, each entry is asked about once, and a
// failure is in the text and keeps its size.
func TestDecodedByAProgram(t *testing.T) {
	r, err := dgraph.OpenReader(fixture.Dir(t, "zero"), dgraph.ReaderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	// It counts its answers, and fails at every tenth.
	p := payload.NewProgram(`n=0; while read -r l; do n=$((n+1)); [ $n = 10 ] && exit 1; echo "OK|$n$l"; done`)
	defer p.Close()
	tree := New(r, p)
	list, err := fs.ReadDir(tree, "decoded")
	if err != nil || len(list) != 419 {
		t.Fatalf("%d names (%v)", len(list), err)
	}
	var sizes []int64
	for _, e := range list {
		info, err := e.Info() // asks
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, info.Size())
	}
	failed := 0
	for i, e := range list {
		text := read(t, tree, "decoded/"+e.Name())
		if sizes[i] != int64(len(text)) {
			t.Fatalf("%s: %d bytes listed, %d read", e.Name(), sizes[i], len(text))
		}
		got := fixture.ParseJSON(t, text)["decoder"].(map[string]any)
		if said, ok := got["error"].(string); ok {
			failed++
			if !strings.HasPrefix(said, fmt.Sprintf("entry %d: decoder program: ", i+1)) {
				t.Fatalf("%s: %s", e.Name(), said)
			}
		} else if !strings.HasPrefix(got["data"].(string), fmt.Sprint(i%10+1)) {
			t.Fatalf("%s was answered by %v, want answer %d: asked more than once", e.Name(), got, i%10+1)
		}
	}
	if failed != len(list)/10 {
		t.Errorf("%d entries failed, want %d", failed, len(list)/10)
	}
}

// TestLinesByAProgram: the program is asked about each entry once, when the size is asked for,
// and what it fails for is in the lines. While a program that hangs is not asked there is no
// saying what the lines are.
func TestLinesByAProgram(t *testing.T) {
	r, err := dgraph.OpenReader(fixture.Dir(t, "zero"), dgraph.ReaderOptions{})
	fixture.Must(t, err)
	defer r.Close()
	p := payload.NewProgram(`n=0; while read -r l; do n=$((n+1)); [ $n = 10 ] && exit 1; echo "OK|$n"; done`)
	defer p.Close()
	lines := string(read(t, New(r, p), "jsonl/00001.wal.jsonl"))
	if n, failed := strings.Count(lines, "\n"), strings.Count(lines, `{"error":"entry `); n != 419 || failed != 41 ||
		!strings.Contains(lines, `"index":11,"type":"EntryNormal","size":`) || !strings.Contains(lines, `"decoder":{"status":"OK","data":"9"}`) {
		t.Errorf("%d lines, %d of them failed: %.2000s", n, failed, lines)
	}
	hung := payload.NewProgram("sleep 60")
	hung.Timeout = 10 * time.Millisecond
	defer hung.Close()
	if _, err := New(r, hung).Stat("jsonl/00001.wal.jsonl"); !errors.Is(err, payload.ErrPaused) {
		t.Errorf("a program that hangs: %v", err)
	}
}

// TestDecodedWhileNotAsked: what is shown while a program hangs is not kept. Whoever has it
// open reads on in it.
func TestDecodedWhileNotAsked(t *testing.T) {
	r, err := dgraph.OpenReader(fixture.Dir(t, "zero"), dgraph.ReaderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	well := filepath.Join(t.TempDir(), "well")
	p := payload.NewProgram(`[ -e ` + well + ` ] || sleep 60; while read -r l; do echo "OK|$l"; done`)
	p.Timeout = 10 * time.Millisecond
	defer p.Close()
	tree := New(r, p)
	for i := range 4 {
		if text := read(t, tree, fmt.Sprintf("decoded/%d.json", i+1)); (i == 3) != strings.Contains(string(text), "not asked") {
			t.Fatalf("entry %d: %s", i+1, text)
		}
	}
	asked, err := tree.Open("decoded/4.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(well, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p.Timeout = time.Minute
	p.Close() // ends the pause
	if text := read(t, tree, "decoded/4.json"); !strings.Contains(string(text), `"status": "OK"`) {
		t.Errorf("after it has recovered: %s", text)
	}
	if text, err := io.ReadAll(asked); err != nil || !strings.Contains(string(text), "not asked") {
		t.Errorf("opened before: %s (%v)", text, err)
	}
	list, err := fs.ReadDir(tree, "decoded")
	if err != nil {
		t.Fatal(err)
	}
	if info, err := list[3].Info(); err != nil || info.Size() != int64(len(read(t, tree, "decoded/4.json"))) {
		t.Errorf("listed as %v (%v)", info, err)
	}
}

// TestCacheIsBounded: the cache forgets the texts that were not read for longest.
func TestCacheIsBounded(t *testing.T) {
	var c textCache
	text := bytes.Repeat([]byte("x"), 1<<20)
	for i := range Node(100) {
		c.put(i, text)
		if got, ok := c.get(i); !ok || len(got) != len(text) {
			t.Fatalf("text %d is not there", i)
		}
		if _, ok := c.get(0); !ok {
			t.Fatal("a text that is read all the time is not there any more")
		}
	}
	kept := 0
	for i := range Node(100) {
		if _, ok := c.get(i); ok {
			kept += len(text)
		}
	}
	if kept > maxCached || kept < maxCached-len(text) {
		t.Errorf("%d bytes are kept, want %d at most, and not less than fit", kept, maxCached)
	}
}

func TestMembersFile(t *testing.T) {
	for name, want := range map[string]string{
		"alpha":     "1 voter\n",
		"zero":      "1 voter 127.0.0.1:5080\n",
		"bigsnap":   "1 voter\n2 voter\n3 voter\n4 learner_next\n9 learner\n",
		"empty":     "",
		"rewritten": "# unknown: entry 5, a configuration change, does not replay: removed all voters\n",
	} {
		tree, _ := open(t, name)
		if got := read(t, tree, "meta/members"); string(got) != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
