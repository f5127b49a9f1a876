package walcore

import (
	"bufio"
	"fmt"
	"io"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

const killEnv = "WALFS_TEST_KILL_DIR"

func killOptions(round int) Options {
	return Options{Create: true, Logger: quiet, Checksums: round&1 == 1, Sync: SyncMode(round >> 1 & 1),
		limits: limits{slots: 300, bytes: PayloadAt + 100000}}
}

func killData(term, index uint64) []byte {
	return []byte(strings.Repeat(fmt.Sprintf("%d.%d ", term, index), 1+int(index%40)))
}

// TestKilledChild is no test: it is what TestKilled kills.
func TestKilledChild(t *testing.T) {
	dir := os.Getenv(killEnv)
	if dir == "" {
		t.Skip("runs in a child process of TestKilled")
	}
	var round int
	fmt.Sscan(os.Getenv(killEnv+"_ROUND"), &round)
	s, err := Open(dir, killOptions(round))
	must(t, err)
	r := rand.New(rand.NewSource(int64(round)))
	for {
		first, _ := s.FirstIndex()
		last, _ := s.LastIndex()
		term, err := s.Term(last)
		must(t, err)
		from := last + 1
		term = max(term, 1)
		switch k := r.Intn(20); {
		case k == 0 && first < last:
			from = last - uint64(r.Intn(int(min(last-first, 400))))
			term++
		case k == 1 && first+600 < last:
			must(t, s.CreateSnapshot(last-600, &raftpb.ConfState{Voters: []uint64{1}}, []byte("snap")))
		}
		fmt.Println("begin", from)
		var list []*raftpb.Entry
		for i := range uint64(1 + r.Intn(50)) {
			list = append(list, &raftpb.Entry{Term: proto.Uint64(term), Index: proto.Uint64(from + i), Data: killData(term, from+i)})
		}
		to := list[len(list)-1].GetIndex()
		must(t, s.Save(&raftpb.HardState{Term: &term, Vote: proto.Uint64(1), Commit: proto.Uint64(first - 1)}, list, nil))
		fmt.Println("saved", to, term)
	}
}

// A process that is killed loses nothing that it was told is saved, in either
// mode.
func TestKilled(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(memDir(t), "w")
	var last, term uint64
	saves := 0
	r := rand.New(rand.NewSource(1))
	rounds := 200
	if raceEnabled {
		rounds = 40
	}
	for round := range rounds {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKilledChild$")
		cmd.Env = append(os.Environ(), killEnv+"="+dir, fmt.Sprintf("%s_ROUND=%d", killEnv, round))
		out, err := cmd.StdoutPipe()
		must(t, err)
		must(t, cmd.Start())
		lines := bufio.NewReader(out)
		kept := last // what is there for certain
		killed := false
		for {
			line, err := lines.ReadString('\n')
			if err == io.EOF {
				break
			}
			must(t, err)
			var from uint64
			if n, _ := fmt.Sscanf(line, "begin %d", &from); n == 1 {
				kept = min(last, from-1)
			} else if n, _ := fmt.Sscanf(line, "saved %d %d", &last, &term); n == 2 {
				kept = last
				saves++
			} else {
				t.Fatalf("round %d: %s", round, line)
			}
			if !killed {
				killed = true
				go func(wait time.Duration) {
					time.Sleep(wait)
					cmd.Process.Kill()
				}(time.Duration(r.Intn(6000)) * time.Microsecond)
			}
		}
		cmd.Wait()
		last = checkKilled(t, dir, round, kept)
	}
	t.Logf("%d saves, last index %d, term %d", saves, last, term)
}

func checkKilled(t *testing.T, dir string, round int, kept uint64) (last uint64) {
	t.Helper()
	s, err := Open(dir, killOptions(round+1))
	must(t, err)
	defer s.Close()
	first, _ := s.FirstIndex()
	last, _ = s.LastIndex()
	if last < kept {
		t.Fatalf("round %d: last index %d, %d was saved", round, last, kept)
	}
	if first > last {
		return last
	}
	got, err := s.Entries(first, last+1, 1<<40)
	must(t, err)
	for _, e := range got {
		if string(e.Data) != string(killData(e.GetTerm(), e.GetIndex())) {
			t.Fatalf("round %d: entry %d of term %d has %q", round, e.GetIndex(), e.GetTerm(), e.Data)
		}
	}
	must(t, s.Close())
	p := parseDir(t, dir, nil)
	if p.entries[len(p.entries)-1].index != last || p.commit > last {
		t.Fatalf("round %d: on disk up to %d, commit %d, want %d", round, p.entries[len(p.entries)-1].index, p.commit, last)
	}
	return last
}
