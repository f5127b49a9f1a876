//go:build linux

package hashicorp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
	raftwal "github.com/hashicorp/raft-wal"
	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/hashicorp"
	"go.etcd.io/bbolt"
)

// store is what a node of HashiCorp's library writes to.
type store interface {
	raft.LogStore
	raft.StableStore
	io.Closer
}

// stores open or make a store in a directory.
var stores = map[string]func(dir string) (store, error){
	"bolt": func(dir string) (store, error) { return openBolt(dir, raftboltdb.Options{}) },
	"bolt-new-time": func(dir string) (store, error) {
		return openBolt(dir, raftboltdb.Options{MsgpackUseNewTimeFormat: true})
	},
	"bolt-no-sync": func(dir string) (store, error) { return openBolt(dir, raftboltdb.Options{NoSync: true}) },
	"bolt-no-list": func(dir string) (store, error) {
		return openBolt(dir, raftboltdb.Options{BoltOptions: &bbolt.Options{NoFreelistSync: true, PageSize: 16384}})
	},
	"wal": func(dir string) (store, error) { return openWAL(dir, 64<<10) },
}

func openWAL(dir string, segmentSize int) (store, error) {
	dir = filepath.Join(dir, "wal")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return raftwal.Open(dir, raftwal.WithSegmentSize(segmentSize))
}

func openBolt(dir string, opts raftboltdb.Options) (store, error) {
	opts.Path = filepath.Join(dir, "raft.db")
	return raftboltdb.New(opts)
}

// data is the payload of an entry: nothing else can be in its place.
func data(index, term uint64) []byte {
	rnd := rand.New(rand.NewPCG(index, term))
	b := make([]byte, rnd.IntN(400))
	if rnd.IntN(50) == 0 {
		b = make([]byte, rnd.IntN(30000))
	}
	for i := range b {
		b[i] = byte(rnd.Uint32())
	}
	return fmt.Appendf(b, "entry %d of term %d", index, term)
}

// write writes to a store what nodes do, at random, until stop says so.
func write(s store, seed uint64, stop func() bool) error {
	rnd := rand.New(rand.NewPCG(seed, 14))
	term, err := s.GetUint64([]byte("CurrentTerm"))
	if err != nil && err.Error() != "not found" {
		return err
	}
	for !stop() {
		first, err := s.FirstIndex()
		if err != nil {
			return err
		}
		last, err := s.LastIndex()
		if err != nil {
			return err
		}
		kind := rnd.IntN(20)
		if kind == 0 && last > first+500 { // a snapshot was taken
			if err := s.DeleteRange(first, first+uint64(rnd.IntN(300))); err != nil {
				return err
			}
		}
		if kind == 1 && last > first+50 { // another leader has other entries
			from := last - uint64(rnd.IntN(40))
			if err := s.DeleteRange(from, last); err != nil {
				return err
			}
			last = from - 1
		}
		if kind <= 1 || term == 0 {
			term++
			if err := errors.Join(s.SetUint64([]byte("CurrentTerm"), term), s.SetUint64([]byte("LastVoteTerm"), term),
				s.Set([]byte("LastVoteCand"), fmt.Appendf(nil, "10.0.0.%d:8300", term%9))); err != nil {
				return err
			}
		}
		var logs []*raft.Log
		for range 1 + rnd.IntN(30) {
			last++
			logs = append(logs, &raft.Log{Index: last, Term: term, Type: raft.LogType(last % 2), Data: data(last, term),
				Extensions: make([]byte, last%3), AppendedAt: appendedAt(last)})
		}
		if err := s.StoreLogs(logs); err != nil {
			return err
		}
	}
	return nil
}

func appendedAt(index uint64) time.Time {
	if index%10 == 0 {
		return time.Time{}
	}
	return time.Unix(1700000000+int64(index), int64(index)%1e9)
}

// check checks that a log is one that was written: whatever was read of it is right.
func check(t *testing.T, l walcore.Log, every uint64) (read, changed int) {
	t.Helper()
	for _, p := range l.Problems() {
		if p.Kind != walcore.KindTorn { // a write was just going on
			t.Fatalf("%v", p)
		}
	}
	last := walcore.Entry{}
	for e := range l.Entries(0) {
		if last.Index > 0 && e.Index != last.Index+1 || e.Term < last.Term || e.Type != walcore.LogCommand+walcore.EntryType(e.Index%2) {
			t.Fatalf("entry %d of term %d after %d of term %d", e.Index, e.Term, last.Index, last.Term)
		}
		if last = e; e.Index%every != 0 {
			continue
		}
		switch b, err := e.Data(); {
		case errors.Is(err, walcore.ErrChanged) || errors.Is(err, os.ErrClosed):
			changed++
			continue
		case err != nil || !bytes.Equal(b, data(e.Index, e.Term)):
			t.Fatalf("entry %d of term %d: %d bytes, %v", e.Index, e.Term, len(b), err)
		}
		if at, stored := e.Time(); stored == appendedAt(e.Index).IsZero() || stored && !at.Equal(appendedAt(e.Index)) {
			t.Fatalf("entry %d: %v", e.Index, at)
		}
		read++
	}
	return read, changed
}

// same checks that a log is what the store itself reads.
func same(t *testing.T, r *hashicorp.Reader, s store) {
	t.Helper()
	check(t, r, 1)
	for e := range r.Entries(0) {
		if b, err := e.Extensions(); err != nil || !bytes.Equal(b, make([]byte, e.Index%3)) {
			t.Fatalf("entry %d: extensions %x, %v", e.Index, b, err)
		}
	}
	first, err := s.FirstIndex()
	if err != nil {
		t.Fatal(err)
	}
	last, err := s.LastIndex()
	if err != nil {
		t.Fatal(err)
	}
	gotFirst, known1 := r.FirstIndex()
	gotLast, known2 := r.LastIndex()
	if last == 0 {
		first = 1 // of an empty log the library says 0
	}
	if gotFirst != first || gotLast != last || !known1 || !known2 {
		t.Errorf("from %d to %d, want %d to %d", gotFirst, gotLast, first, last)
	}
	for index := first; index <= last; index++ {
		var want raft.Log
		if err := s.GetLog(index, &want); err != nil {
			t.Fatal(err)
		}
		e, err := r.Entry(index)
		if err != nil || e.Term != want.Term || e.Type != walcore.LogCommand+walcore.EntryType(want.Type) || e.Size != int64(len(want.Data)) {
			t.Fatalf("%+v, %v; want %+v", e, err, want)
		}
	}
	term, _ := s.GetUint64([]byte("CurrentTerm"))
	vote, _ := s.GetUint64([]byte("LastVoteTerm"))
	candidate, _ := s.Get([]byte("LastVoteCand"))
	if got, want := *r.Meta().Stable, (walcore.Stable{CurrentTerm: term, LastVoteTerm: vote, LastVoteCandidate: string(candidate)}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func lastOf(l walcore.Log) uint64 {
	last, _ := l.LastIndex()
	return last
}

// TestWhileItWrites: a store is followed while it writes as fast as it can.
func TestWhileItWrites(t *testing.T) {
	log.SetOutput(io.Discard)
	for name, openStore := range stores {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s, err := openStore(dir)
			if err != nil {
				t.Fatal(err)
			}
			r, err := hashicorp.Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			stop, done := make(chan struct{}), make(chan error)
			go func() {
				done <- write(s, 1, func() bool {
					select {
					case <-stop:
						return true
					default:
						return false
					}
				})
			}()
			logs, read, changed, failed := 0, 0, 0, 0
			for logs < 50 {
				next, err := r.Refresh()
				if errors.Is(err, walcore.ErrChanged) {
					failed++
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				if lastOf(next) != lastOf(r) {
					logs++
				}
				r = next.(*hashicorp.Reader)
				a, b := check(t, r, 7)
				read, changed = read+a, changed+b
			}
			close(stop)
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			next, err := r.Refresh()
			if err != nil {
				t.Fatal(err)
			}
			same(t, next.(*hashicorp.Reader), s)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			fresh, err := hashicorp.Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer fresh.Close()
			check(t, fresh, 1)
			t.Logf("%d logs, %d entries read, %d had changed, %d looks failed", logs, read, changed, failed)
		})
	}
}

// TestKilled: a process that writes is killed. What is read then is what the store reads when it
// is opened again.
func TestKilled(t *testing.T) {
	for _, name := range []string{"bolt", "bolt-no-list", "wal"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for round := range fixture.Size(3, 8) {
				child := exec.Command(os.Args[0])
				child.Env = append(os.Environ(), storeVariable+"="+name, "DIR="+dir, "SEED="+strconv.Itoa(round))
				if err := child.Start(); err != nil {
					t.Fatal(err)
				}
				ended := make(chan error, 1)
				go func() { ended <- child.Wait() }()
				// It is killed some commits later than it is first seen, or has ended: see goOn.
				var r *hashicorp.Reader
				for logs := 0; logs < 3+round%7 && len(ended) == 0; {
					if r == nil {
						r, _ = hashicorp.Open(dir) // it may not have begun
						continue
					}
					next, err := r.Refresh()
					if err != nil {
						continue
					}
					if lastOf(next) != lastOf(r) {
						logs++
					}
					r = next.(*hashicorp.Reader)
				}
				stuck := len(ended) > 0
				_ = child.Process.Kill()
				<-ended
				if r == nil {
					t.Fatal("it ended before it began")
				}
				next, err := r.Refresh()
				if err != nil {
					t.Fatal(err)
				}
				r = next.(*hashicorp.Reader)
				s, err := stores[name](dir)
				if err != nil {
					t.Fatal(err)
				}
				same(t, r, s)
				r.Close()
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				if stuck {
					goOn(t, dir, name)
				}
			}
		})
	}
}

// writeMain is the process that is killed: it writes to a store until then.
func writeMain(name string) int {
	s, err := stores[name](os.Getenv("DIR"))
	if err == nil {
		seed, _ := strconv.ParseUint(os.Getenv("SEED"), 10, 64)
		err = write(s, seed, func() bool { return false })
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}
