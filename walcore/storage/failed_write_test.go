//go:build linux

package storage

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// script is a history that touches everything once.
func script(s *DiskStorage) []func() error {
	snap := &raftpb.Snapshot{Data: []byte("x"), Metadata: &raftpb.SnapshotMetadata{Index: proto.Uint64(40), Term: proto.Uint64(9), ConfState: oneVoter}}
	return []func() error{
		func() error { return s.Save(hard(1, 1, 2), someEntries(1, 1, 4), nil) },
		func() error { return s.Save(hard(1, 1, 4), someEntries(1, 5, 25), nil) },
		func() error { return s.Save(hard(2, 1, 8), someEntries(2, 9, 2), nil) },
		func() error { return s.CreateSnapshot(8, oneVoter, []byte("y")) },
		func() error { return s.SetGroupID(4) },
		func() error { return s.TruncateEntriesUntil(10) },
		func() error { return s.Save(nil, nil, snap) },
		func() error { return s.Save(hard(9, 1, 40), someEntries(9, 41, 12), nil) },
		func() error { return s.Sync() },
	}
}

// After a write or flush has failed every call fails with its error, and what was
// acknowledged before is there when the directory is opened again. The only
// exception is a full disk that is found out before anything was written.
func TestFailedWrite(t *testing.T) {
	fixture.NotForRace(t)
	count := 0
	for _, cause := range []error{syscall.EIO, syscall.ENOSPC} {
		for n := 0; failOperation(t, n, cause, &count); n++ {
		}
	}
	if count < 100 {
		t.Errorf("%d operations have failed, want 100", count)
	}
}

// failOperation lets the n-th operation of the script fail with cause, and counts
// it. It reports whether there are as many operations.
func failOperation(t *testing.T, n int, cause error, count *int) bool {
	dir := filepath.Join(memDir(t), "w")
	o, failed := &ops{}, ""
	s := create(t, dir, Options{wrap: o.wrap(t), Logger: quiet, limits: smallFiles})
	o.take()
	o.fail = func(i int, op string) error {
		if i != n || op == "remove wal.meta.new" {
			return nil
		}
		failed = op
		return cause
	}
	var err error
	var last uint64
	for _, do := range script(s) {
		if err = do(); err != nil {
			break
		}
		last, _ = s.LastIndex()
	}
	if failed == "" {
		fixture.Must(t, err)
		return len(o.list) > n
	}
	*count++
	if !errors.Is(err, cause) {
		t.Fatalf("%s failed: %v", failed, err)
	}
	if stopped := s.Save(nil, nil, nil); stopped == nil {
		if !strings.HasPrefix(failed, "allocate") || cause != syscall.ENOSPC {
			t.Fatalf("%s failed, and the storage goes on", failed)
		}
		if now, _ := s.LastIndex(); now != last {
			t.Fatalf("%s failed: last index %d, want %d", failed, now, last)
		}
	} else {
		_, termErr := s.Term(1)
		_, entriesErr := s.Entries(1, 2, 0)
		for _, err := range []error{stopped, termErr, entriesErr, s.Sync(), s.SetRaftID(9), s.CreateSnapshot(1, nil, nil)} {
			if err != stopped {
				t.Fatalf("%s failed: %v, want %v", failed, err, stopped)
			}
		}
	}
	s.Close()
	s = reopen(t, dir, Options{Logger: quiet})
	if now, _ := s.LastIndex(); now < last && last != 29 || now < 8 && last == 29 {
		t.Fatalf("%s failed: last index %d, %d was saved", failed, now, last)
	}
	fixture.Must(t, s.Close())
	return true
}

// A disk that is really full.
func TestFullDisk(t *testing.T) {
	for _, mode := range []SyncMode{SyncAlways, SyncManual} {
		mount := t.TempDir()
		if err := syscall.Mount("tmpfs", mount, "tmpfs", 0, "size=8m"); err != nil {
			skip(t, fmt.Sprintf("no file system can be mounted here: %v", err))
		}
		defer syscall.Unmount(mount, syscall.MNT_DETACH)
		dir := filepath.Join(mount, "w")
		opts := Options{Logger: quiet, Sync: mode}
		s := create(t, dir, opts)
		const batch = fewSlots // stored to mapped memory, where that is done
		var err error
		last := uint64(0)
		for err == nil && last < 1e6 {
			if err = s.Save(hard(1, 1, 0), someEntries(1, last+1, batch), nil); err == nil {
				last += batch
			}
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
		got, err := s.Entries(1, last+1, 1<<40)
		if err != nil || len(got) != int(last) {
			t.Fatalf("%d entries, %v; want %d", len(got), err, last)
		}
		fixture.Must(t, s.Close())
		s = reopen(t, dir, opts)
		if now, _ := s.LastIndex(); now != last || len(s.Problems()) > 0 {
			t.Fatalf("last index %d, want %d; %v", now, last, s.Problems())
		}
		fixture.Must(t, s.Close())
	}
}
