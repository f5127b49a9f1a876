//go:build unix

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/walfs/walfs/test/raftdir"
	"github.com/walfs/walfs/walcore/dgraph"
	"github.com/walfs/walfs/walcore/payload"
)

// follower is a dump --follow at work, and the log that its lines make.
type follower struct {
	cmd   *exec.Cmd
	lines *bufio.Reader
	errs  bytes.Buffer
	log   map[uint64]uint64 // terms by index
}

func follow(t *testing.T, args ...string) *follower {
	t.Helper()
	f := &follower{cmd: command(t, t.Context(), append([]string{"dump", "--follow"}, args...)...), log: map[uint64]uint64{}}
	f.cmd.Stderr = &f.errs
	out, err := f.cmd.StdoutPipe()
	if err == nil {
		err = f.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	hung := time.AfterFunc(hangLimit, func() { f.cmd.Process.Kill() })
	t.Cleanup(func() { hung.Stop() })
	f.lines = bufio.NewReaderSize(out, 1<<20)
	return f
}

// line waits for the next line.
func (f *follower) line(t *testing.T) string {
	t.Helper()
	line, err := f.lines.ReadString('\n')
	if err != nil {
		f.cmd.Wait()
		t.Fatalf("it has ended: %v\n%s", f.cmd.ProcessState, f.errs.String())
	}
	return line
}

// until takes lines of JSON until the entry comes that the writer has written
// last, and wants each to be an entry that was once written.
func (f *follower) until(t *testing.T, w *raftdir.Writer) {
	t.Helper()
	for f.log[w.Last] != w.TermOf(w.Last) {
		var e dumped
		if err := json.Unmarshal([]byte(f.line(t)), &e); err != nil {
			t.Fatal(err)
		}
		if want := raftdir.Payload(e.Index, e.Term); !bytes.Equal(e.Data, want) || typeNumbers[e.Type] != int32(raftdir.TypeOf(e.Index)) {
			t.Fatalf("entry %d of term %d: %s, %x, want %x", e.Index, e.Term, e.Type, e.Data, want)
		}
		// As the log does: an entry replaces those at its index and behind it.
		maps.DeleteFunc(f.log, func(index, _ uint64) bool { return index > e.Index })
		f.log[e.Index] = e.Term
	}
}

// interrupt ends it, and gives the rest of what it prints.
func (f *follower) interrupt(t *testing.T, code int) string {
	t.Helper()
	if err := f.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(f.lines)
	if err != nil {
		t.Fatal(err)
	}
	f.cmd.Wait()
	if f.cmd.ProcessState.ExitCode() != code {
		t.Errorf("%v, want exit code %d\n%s", f.cmd.ProcessState, code, f.errs.String())
	}
	return string(rest)
}

// TestDumpFollow: entries are printed as they come, over new files, a rewrite
// that reaches back to an earlier one, and compaction.
func TestDumpFollow(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "w")
	w := raftdir.Create(dir, raftdir.Options{Slots: 40})
	defer w.Close()
	w.Append(10)
	f := follow(t, "--format", "json", dir)
	f.until(t, w)
	w.Append(100)
	f.until(t, w)
	w.Rewind(35)
	w.Append(30)
	f.until(t, w)
	for index := range w.Last {
		if f.log[index+1] != w.TermOf(index+1) {
			t.Errorf("entry %d: term %d, want %d", index+1, f.log[index+1], w.TermOf(index+1))
		}
	}
	w.CommitTo(w.Last)
	w.Snapshot(w.Last)
	w.Append(1)
	f.until(t, w)
	if rest := f.interrupt(t, 0); rest != "" {
		t.Errorf("more came: %s", rest)
	}
	if got, want := f.errs.String(), "walfs: the log was rewritten from entry 36 on; it ends at "; !strings.HasPrefix(got, want) || strings.Count(got, "\n") != 1 {
		t.Errorf("on stderr: %s\nwant one line: %s…", got, want)
	}
}

// TestDumpFollowAtSpeed: a writer that rewrites and compacts as fast as it can.
// Every line is an entry that was written, and in the end the lines make the log.
func TestDumpFollowAtSpeed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "w")
	w := raftdir.Create(dir, raftdir.Options{Slots: 500})
	defer w.Close()
	f := follow(t, "--format", "json", dir)
	rng := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		if w.Last > w.Commit && rng.IntN(50) == 0 {
			w.Rewind(w.Commit + uint64(rng.Int64N(int64(w.Last-w.Commit))))
		}
		w.Append(1 + rng.IntN(8))
		w.CommitTo(max(w.Commit, w.Last-min(w.Last, uint64(rng.IntN(40)))))
		if len(w.Files()) > 3 {
			w.Snapshot(w.Commit)
		}
	}
	w.Rewind(w.Last) // the last entry's term tells it from all before
	w.Append(1)
	f.until(t, w)
	f.interrupt(t, 0)
	for index, term := range f.log {
		if index >= w.First && term != w.TermOf(index) {
			t.Errorf("entry %d: term %d, want %d", index, term, w.TermOf(index))
		}
	}
}

// TestDumpFollowEnds: it ends by itself once it has printed what was asked for, and
// with the summary at Ctrl-C.
func TestDumpFollowEnds(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "w")
	w := raftdir.Create(dir, raftdir.Options{})
	defer w.Close()
	w.Append(20)
	for _, args := range [][]string{{"--limit", "3"}, {"--to", "3"}} {
		if got := lines(ok(t, append([]string{"dump", "--follow", "--format", "json", dir}, args...)...)); len(got) != 3 {
			t.Errorf("%v: %d lines", args, len(got))
		}
	}

	f := follow(t, "--from", "20", dir)
	if _, head, line := f.line(t), f.line(t), f.line(t); !strings.Contains(head, "INDEX") || !strings.HasPrefix(line, "        20 ") {
		t.Errorf("got %s%s", head, line)
	}
	w.Append(1)
	if line := f.line(t); !strings.HasPrefix(line, "        21 ") {
		t.Errorf("got %s", line)
	}
	if rest := f.interrupt(t, 0); !strings.HasPrefix(rest, "\nKIND") || !strings.Contains(rest, "members as of the commit index") {
		t.Errorf("at the end: %s", rest)
	}
}

// TestDumpFollowGone: the directory is gone for a while, and then there is another
// one in its place.
func TestDumpFollowGone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "w")
	w := raftdir.Create(dir, raftdir.Options{})
	defer w.Close()
	w.Append(1)
	f := &follower{cmd: command(t, t.Context(), "dump", "--follow", "--format", "json", dir), log: map[uint64]uint64{}}
	out, err := f.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	errs, err := f.cmd.StderrPipe()
	if err == nil {
		err = f.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	f.lines = bufio.NewReader(out)
	notes := bufio.NewReader(errs)
	noted := func(want string) {
		t.Helper()
		if line, err := notes.ReadString('\n'); err != nil || !strings.Contains(line, want) {
			t.Fatalf("%v, %swant %s", err, line, want)
		}
	}
	f.until(t, w)
	if err := os.Rename(dir, dir+".away"); err != nil {
		t.Fatal(err)
	}
	noted("no such file or directory; following on when it can be read again")
	w.Append(1)
	if err := os.Rename(dir+".away", dir); err != nil {
		t.Fatal(err)
	}
	noted("the directory can be read again")
	f.until(t, w)

	// Another log in its place, as a restore does.
	if err := os.Rename(dir, dir+".away"); err != nil {
		t.Fatal(err)
	}
	noted("no such file or directory")
	other := raftdir.Create(dir+".new", raftdir.Options{})
	defer other.Close()
	other.Rewind(0)
	other.Rewind(0)
	other.Append(5)
	if err := os.Rename(dir+".new", dir); err != nil {
		t.Fatal(err)
	}
	noted("the directory can be read again")
	noted("the log was rewritten from entry 1 on; it ends at 5, term 3, now")
	f.until(t, other)
	f.interrupt(t, 0)
}

// TestDumpFollowDamage: an entry with a length that no writer gives it is reported
// once, and passed over.
func TestDumpFollowDamage(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "w")
	w := raftdir.Create(dir, raftdir.Options{})
	w.Append(9)
	w.Close()
	r, err := dgraph.OpenReader(dir, dgraph.ReaderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	e, err := r.Entry(5) // which reads all lengths
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(filepath.Join(dir, e.File.Name), os.O_WRONLY, 0)
	if err == nil {
		_, err = file.WriteAt([]byte{0, 0, 0, 1}, int64(e.Offset))
		err = errors.Join(err, file.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	o := dumpOptions{format: "json", follow: true, filter: filterOf(t, "--to 9")}
	err = newDumper(&o, r, payload.NewDgraph(payload.Alpha, payload.Options{}), &out).run(t.Context())
	var exit exitError
	if !errors.As(err, &exit) || exit.code != exitFailed || exit.err != nil {
		t.Errorf("it ends with %v", err)
	}
	var got []uint64
	for _, line := range lines(out.String()) {
		var e dumped
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		got = append(got, e.Index)
	}
	if want := []uint64{1, 2, 3, 4, 6, 7, 8, 9}; !slices.Equal(got, want) {
		t.Errorf("printed %v, want %v", got, want)
	}
}
