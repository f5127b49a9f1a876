package storage

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

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore/format"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

const killEnv = "WALFS_TEST_KILL_DIR"

func killOptions(round int) Options {
	return Options{Create: true, Logger: quiet, Checksums: round&1 == 1, Sync: SyncMode(round >> 1 & 1),
		limits: limits{slots: 300, bytes: format.PayloadAt + 100000}}
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
	fixture.Must(t, err)
	r := rand.New(rand.NewSource(int64(round)))
	for {
		first, _ := s.FirstIndex()
		last, _ := s.LastIndex()
		term, err := s.Term(last)
		fixture.Must(t, err)
		from := last + 1
		hs, _, err := s.InitialState()
		fixture.Must(t, err)
		term = max(term, hs.GetTerm(), 1)
		switch k := r.Intn(20); {
		case k == 0 && first < last:
			from = last - uint64(r.Intn(int(min(last-first, 400))))
			term++
		case k == 1 && first+600 < last:
			fixture.Must(t, s.CreateSnapshot(last-600, &raftpb.ConfState{Voters: []uint64{1}}, []byte("snap")))
		}
		var list []*raftpb.Entry
		for i := range uint64(1 + r.Intn(50)) {
			list = append(list, &raftpb.Entry{Term: proto.Uint64(term), Index: proto.Uint64(from + i), Data: killData(term, from+i)})
		}
		to := list[len(list)-1].GetIndex()
		fmt.Println("begin", from, to, term)
		fixture.Must(t, s.Save(&raftpb.HardState{Term: &term, Vote: proto.Uint64(1), Commit: proto.Uint64(first - 1)}, list, nil))
		fmt.Println("saved", to)
	}
}

// killedLog is what a killed process has said of its log.
type killedLog struct {
	terms map[uint64]uint64 // of the entries that were saved, by index
	last  uint64
	// The Save that was running, if from is not 0.
	from, to, term uint64
}

func (l *killedLog) saved() {
	for i := l.from; i <= max(l.to, l.last); i++ {
		delete(l.terms, i)
		if i <= l.to {
			l.terms[i] = l.term
		}
	}
	l.last, l.from = l.to, 0
}

// A process that is killed loses nothing that it was told is saved, and
// nothing comes back that was overwritten, in either mode. (No other test
// runs meanwhile: a process that was just forked holds this one's files.)
func TestKilled(t *testing.T) {
	dir := filepath.Join(memDir(t), "w")
	l := &killedLog{terms: map[uint64]uint64{}}
	saves := 0
	r := rand.New(rand.NewSource(1))
	for round := range fixture.Size(15, 100) {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKilledChild$")
		cmd.Env = append(os.Environ(), killEnv+"="+dir, fmt.Sprintf("%s_ROUND=%d", killEnv, round))
		out, err := cmd.StdoutPipe()
		fixture.Must(t, err)
		fixture.Must(t, cmd.Start())
		// The child is killed while it saves for the n-th time.
		for lines, n := bufio.NewReader(out), 1+r.Intn(6); ; {
			line, err := lines.ReadString('\n')
			if err == io.EOF {
				break
			}
			fixture.Must(t, err)
			var to uint64
			if k, _ := fmt.Sscanf(line, "begin %d %d %d", &l.from, &l.to, &l.term); k == 3 {
				if n--; n == 0 {
					wait := time.Duration(r.Intn(500)) * time.Microsecond
					time.AfterFunc(wait, func() { cmd.Process.Kill() })
				}
			} else if k, _ := fmt.Sscanf(line, "saved %d", &to); k == 1 && to == l.to {
				l.saved()
				saves++
			} else {
				t.Fatalf("round %d: %s", round, line)
			}
		}
		cmd.Wait()
		l.check(t, dir, round)
	}
	t.Logf("%d saves, last index %d", saves, l.last)
}

// check compares the directory with the log, and takes what is there for it.
func (l *killedLog) check(t *testing.T, dir string, round int) {
	t.Helper()
	s, err := Open(dir, killOptions(round+1))
	fixture.Must(t, err)
	defer s.Close()
	first, _ := s.FirstIndex()
	last, _ := s.LastIndex()
	kept := l.last
	if l.from > 0 {
		kept = min(kept, l.from-1)
	}
	if last < kept {
		t.Fatalf("round %d: last index %d, %d was saved", round, last, kept)
	}
	if first > last {
		return // the first Save did not get far
	}
	got, err := s.Entries(first, last+1, 1<<40)
	fixture.Must(t, err)
	// From there on all entries are old ones, or all are new ones.
	replaced := false
	for _, e := range got {
		i, term := e.GetIndex(), e.GetTerm()
		if i > kept && i == l.from {
			replaced = term == l.term
		}
		want, saved := l.terms[i]
		if replaced {
			want, saved = l.term, i <= l.to
		}
		if !saved || term != want || string(e.Data) != string(killData(term, i)) {
			t.Fatalf("round %d: entry %d of term %d has %q, want term %d, %v; saved up to %d, then %d to %d of term %d",
				round, i, term, e.Data, want, saved, l.last, l.from, l.to, l.term)
		}
	}
	fixture.Must(t, s.Close())
	if p := parseDir(t, dir, nil); p.entries[len(p.entries)-1].index != last || p.commit > last {
		t.Fatalf("round %d: on disk up to %d, commit %d, want %d", round, p.entries[len(p.entries)-1].index, p.commit, last)
	}
	if replaced {
		l.to = last
		l.saved()
	}
	for i := last + 1; i <= l.last; i++ {
		delete(l.terms, i)
	}
	l.last, l.from = last, 0
}
