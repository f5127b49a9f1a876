//go:build linux

package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/walfs/walfs/walcore/dgraph"
	"github.com/walfs/walfs/walcore/format"
	"go.etcd.io/raft/v3/raftpb"
	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/proto"
)

// writeLines writes a directory's entries to a file, as dump --format json prints
// them.
func writeLines(ts *testscript.TestScript, _ bool, args []string) {
	r, err := dgraph.OpenReader(ts.MkAbs(args[0]), dgraph.ReaderOptions{})
	ts.Check(err)
	defer r.Close()
	var out bytes.Buffer
	for e := range r.Entries(0) {
		data, err := e.Data()
		ts.Check(err)
		typ, _ := r.Meta().System.TypeName(e.Type)
		fmt.Fprintf(&out, `{"index":%d,"term":%d,"type":%q,"size":%d,"file":%q,"slot":%d,"offset":%d,"data":%q}`+"\n",
			e.Index, e.Term, typ.Symbol, e.Size, e.File.Name, e.Slot, e.Offset, base64.StdEncoding.EncodeToString(data))
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), out.Bytes(), 0o600))
}

// snapshotpb writes a raftpb.Snapshot without data. Voters and learners are ids with
// commas between, or none.
func snapshotpb(ts *testscript.TestScript, _ bool, args []string) {
	var ids [2]idList
	for i, text := range args[3:] {
		if text != "none" {
			ts.Check(ids[i].Set(text))
		}
	}
	number := func(text string) *uint64 {
		n, err := strconv.ParseUint(text, 10, 64)
		ts.Check(err)
		return &n
	}
	b, err := proto.Marshal(&raftpb.Snapshot{Metadata: &raftpb.SnapshotMetadata{Index: number(args[1]), Term: number(args[2]),
		ConfState: raftpb.EnsureConfState(&raftpb.ConfState{Voters: ids[0], Learners: ids[1]})}})
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b, 0o600))
}

// samelog wants the same bytes in two log files up to the last payload's end.
func samelog(ts *testscript.TestScript, _ bool, args []string) {
	r, err := dgraph.OpenReader(filepath.Dir(ts.MkAbs(args[1])), dgraph.ReaderOptions{})
	ts.Check(err)
	defer r.Close()
	end := int64(0)
	for e := range r.Entries(0) {
		end = int64(e.Offset) + format.LengthSize + e.Size
	}
	var files [2][]byte
	for i := range files {
		f, err := os.Open(ts.MkAbs(args[i]))
		ts.Check(err)
		defer f.Close()
		files[i], err = io.ReadAll(io.LimitReader(f, end))
		ts.Check(err)
	}
	if end < format.PayloadAt || !bytes.Equal(files[0], files[1]) {
		ts.Fatalf("%s and %s differ below %d", args[0], args[1], end)
	}
}

// hold has another process keep a file open until the script ends, with these flags.
func hold(flags int) func(ts *testscript.TestScript, _ bool, args []string) {
	return func(ts *testscript.TestScript, _ bool, args []string) {
		f, err := os.OpenFile(ts.MkAbs(args[0]), flags, 0)
		ts.Check(err)
		defer f.Close()
		cmd := exec.Command("sleep", "600")
		cmd.Stdin = f
		ts.Check(cmd.Start())
		ts.Defer(func() {
			cmd.Process.Kill()
			cmd.Wait()
		})
	}
}

// remember notes what stat tells of a directory and its files, and what the files
// hold. unchanged wants all of it as it was, unwritten all but access times.
func remember(ts *testscript.TestScript, _ bool, args []string) {
	dir := ts.MkAbs(args[0])
	contents(ts, dir)
	old := time.Now().Add(-400 * 24 * time.Hour) // so that the next access sets a new time
	for _, path := range append(below(ts, dir), dir) {
		ts.Check(os.Chtimes(path, old, old))
	}
	for kind, text := range states(ts, dir) {
		ts.Check(os.WriteFile(dir+kind, []byte(text), 0o600))
	}
}

func unwritten(ts *testscript.TestScript, _ bool, args []string) { compare(ts, args[0], ".written") }

func unchanged(ts *testscript.TestScript, _ bool, args []string) { compare(ts, args[0], ".all") }

func compare(ts *testscript.TestScript, name, kind string) {
	dir := ts.MkAbs(name)
	before, err := os.ReadFile(dir + kind)
	ts.Check(err)
	if after := states(ts, dir)[kind]; after != string(before) {
		ts.Fatalf("%s has changed:\nbefore\n%s\nafter\n%s", name, before, after)
	}
}

var accessTime = regexp.MustCompile(`Atim:{[^}]*}`)

func states(ts *testscript.TestScript, dir string) map[string]string {
	st := attributes(ts, dir)
	sums := contents(ts, dir)
	return map[string]string{".all": st + sums, ".written": accessTime.ReplaceAllString(st, "") + sums}
}

func below(ts *testscript.TestScript, dir string) []string {
	f, err := os.OpenFile(dir, unix.O_NOATIME, 0)
	ts.Check(err)
	defer f.Close()
	names, err := f.Readdirnames(-1)
	ts.Check(err)
	for i := range names {
		names[i] = filepath.Join(dir, names[i])
	}
	return names
}

func attributes(ts *testscript.TestScript, dir string) string {
	text := ""
	for _, path := range append(below(ts, dir), dir) {
		var st unix.Stat_t
		ts.Check(unix.Lstat(path, &st))
		text += fmt.Sprintf("%s %+v\n", path, st)
	}
	return text
}

// contents gives a checksum of each file's first 4 MiB, behind which fixtures hold
// nothing.
func contents(ts *testscript.TestScript, dir string) string {
	text := ""
	for _, path := range below(ts, dir) {
		f, err := os.OpenFile(path, unix.O_NOATIME, 0)
		ts.Check(err)
		h := sha256.New()
		_, err = io.Copy(h, io.LimitReader(f, 4<<20))
		ts.Check(err)
		f.Close()
		text += fmt.Sprintf("%s %x\n", path, h.Sum(nil))
	}
	return text
}
