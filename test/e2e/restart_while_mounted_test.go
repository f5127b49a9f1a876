//go:build linux

package e2e

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/walfs/walfs/test/child"
	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/raftdir"
	"github.com/walfs/walfs/walcore/format"
	"github.com/walfs/walfs/walcore/storage"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// nodeChild is a node on DiskStorage that saves entries of the term TERM from FROM to
// TO and a snapshot at SNAPSHOT, if that is not 0. It says how many problems it has
// found, and then has the directory open until it is killed.
func nodeChild(args []string) error {
	var dir string
	var term, from, to, snapshot uint64
	if _, err := fmt.Sscan(strings.Join(args, " "), &dir, &term, &from, &to, &snapshot); err != nil {
		return err
	}
	s, err := storage.Open(dir, storage.Options{Create: true, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	var entries []*raftpb.Entry
	for i := from; i <= to; i++ {
		entries = append(entries, &raftpb.Entry{Term: proto.Uint64(term), Index: proto.Uint64(i), Data: raftdir.Payload(i, term)})
	}
	if err := s.Save(&raftpb.HardState{Term: &term, Vote: proto.Uint64(1), Commit: proto.Uint64(from - 1)}, entries, nil); err != nil {
		return err
	}
	if snapshot > 0 {
		if err := s.CreateSnapshot(snapshot, &raftpb.ConfState{Voters: []uint64{1}}, nil); err != nil {
			return err
		}
	}
	fmt.Println("saved", len(s.Problems()))
	io.ReadAll(os.Stdin) // never ends: the node is killed
	return nil
}

// startNode starts a nodeChild and gives what it has said once it has saved all.
func startNode(t *testing.T, dir string, numbers ...uint64) (node *exec.Cmd, said string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	node = exec.Command(self, "node", dir, strings.Trim(fmt.Sprint(numbers), "[]"))
	node.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if _, err := node.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := node.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	node.Stderr = &stderr
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	said, err = bufio.NewReader(out).ReadString('\n')
	if err != nil {
		node.Wait()
		t.Fatalf("the node has not started: %s", stderr.String())
	}
	return node, strings.TrimSpace(said)
}

func kill(node *exec.Cmd) {
	node.Process.Kill()
	node.Wait()
}

// A node is killed and starts again while its directory is mounted, live and frozen,
// and dump --follow reads it. It starts each time, mends what the crash has left, and
// rewrites and compacts its log. The live mount and dump follow; the frozen mount shows
// the entries of its moment, or an error where they are no more.
func TestNodeRestartsWhileMounted(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "w")
	node, _ := startNode(t, dir, 1, 1, 50, 0)
	live, frozen := watch(t, dir), watch(t, dir, "--frozen")
	live.awaitEntry(50, 1)
	var dumped child.Output
	dump := child.Start(t, &dumped, walfs, "dump", "--follow", "--format", "json", dir)
	kill(node)
	term, last := uint64(1), uint64(50)
	for round, snapshot := range []uint64{0, 0, 30, 0} {
		torn := round%2 == 1
		if torn {
			tear(t, dir, last)
		}
		term++
		from := last - 9
		last += 10
		node, said := startNode(t, dir, term, from, last, snapshot)
		if torn != (said == "saved 1") {
			t.Errorf("round %d: with a torn slot %t it said %q", round, torn, said)
		}
		live.awaitEntry(last, term)
		live.awaitEntry(from, term)
		live.awaitText("meta/last_index", fmt.Sprintln(last))
		live.awaitProblems()
		want := fmt.Sprintf(`"index":%d,"term":%d,`, last, term)
		child.Await(t, "dump --follow", func() bool {
			return strings.Contains(strings.ReplaceAll(dumped.String(), " ", ""), want)
		})
		kill(node)
		for i := uint64(1); i <= 50; i++ {
			got := frozen.do("head", fmt.Sprintf("entries/%d", i))
			if whole := got == string(raftdir.Payload(i, 1)); i <= 40 && !whole || !whole && !gone[got] {
				t.Fatalf("round %d: the frozen mount's entry %d: %.100q", round, i, got)
			}
		}
		if got := frozen.do("head", "meta/last_index"); got != "50\n" {
			t.Errorf("round %d: the frozen mount's last index: %q", round, got)
		}
	}
	dump.Signal(os.Interrupt)
	live.stop()
	frozen.stop()
}

// A writer that has its files mapped, as Dgraph has, keeps commands that write away, and
// is named.
func TestCommandBesideWriter(t *testing.T) {
	fixture.OneSize(t)
	w := newLog(t)
	out, err := exec.Command(walfs, "set", w.Dir(), "raft_id=9").CombinedOutput()
	who := fmt.Sprintf("another program has it open for writing: e2e.test (pid %d): in use", os.Getpid())
	var failed *exec.ExitError
	if !errors.As(err, &failed) || failed.ExitCode() != 5 || !strings.Contains(string(out), who) {
		t.Errorf("%v: %s\nwant %s", err, out, who)
	}
}

// tear writes the slot of an entry that does not follow the last one, as a crash may
// leave it.
func tear(t *testing.T, dir string, last uint64) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(dir, format.FileName(1)), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	slot := make([]byte, format.SlotSize)
	binary.BigEndian.PutUint64(slot, 1)
	binary.BigEndian.PutUint64(slot[8:], last+7)
	if _, err := f.WriteAt(slot, int64(last)*format.SlotSize); err != nil {
		t.Fatal(err)
	}
}
