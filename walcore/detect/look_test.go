package detect_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/detect"
)

const (
	etcdName = "0000000000000001-000000000000076b.wal"
	raftName = "00000000000000000383-0000000000000001.wal"
)

// TestLook: a log is found where its system keeps it, by the names of its files.
func TestLook(t *testing.T) {
	for _, test := range []struct {
		names []string
		want  []detect.Found // paths below the directory
	}{
		{[]string{"wal.meta"}, []detect.Found{{walcore.Dgraph, "."}}},
		{[]string{"00001.wal"}, []detect.Found{{walcore.Dgraph, "."}}},
		{[]string{"member/wal/" + etcdName}, []detect.Found{{walcore.Etcd, "."}}},
		{[]string{"wal/" + etcdName}, []detect.Found{{walcore.Etcd, "."}}},
		{[]string{etcdName, "0.tmp"}, []detect.Found{{walcore.Etcd, "."}}},
		{[]string{"raft.db"}, []detect.Found{{walcore.HashiCorp, "."}}},
		{[]string{"wal/wal-meta.db"}, []detect.Found{{walcore.HashiCorp, "."}}},
		{[]string{"wal-meta.db"}, []detect.Found{{walcore.HashiCorp, "."}}},
		{[]string{raftName}, []detect.Found{{walcore.HashiCorp, "."}}},
		{[]string{"raft/raft.db", "vault.db"}, []detect.Found{{walcore.HashiCorp, "raft"}}},
		{[]string{"raft/wal/" + raftName}, []detect.Found{{walcore.HashiCorp, "raft"}}},
		{[]string{"server/raft/raft.db"}, []detect.Found{{walcore.HashiCorp, "server/raft"}}},
		{[]string{"00001.wal", "member/wal/" + etcdName, "raft/raft.db"},
			[]detect.Found{{walcore.Dgraph, "."}, {walcore.Etcd, "."}, {walcore.HashiCorp, "raft"}}},
		{[]string{"member/wal/0.tmp", "member/snap/db", "other.wal", "0000000000000001-000000000000076B.wal", "wal"}, nil},
	} {
		dir := t.TempDir()
		for _, name := range test.names {
			at := filepath.Join(dir, name)
			fixture.Must(t, os.MkdirAll(filepath.Dir(at), 0o755))
			fixture.WriteFile(t, at, nil)
		}
		for i := range test.want {
			test.want[i].Path = filepath.Join(dir, test.want[i].Path)
		}
		if got, err := detect.Look(dir); !slices.Equal(got, test.want) || err != nil {
			t.Errorf("%v: %v, %v, want %v", test.names, got, err, test.want)
		}
	}
}

// TestLookFails: a directory that is not there, or is a file of something else.
func TestLookFails(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	fixture.WriteFile(t, file, nil)
	for _, path := range []string{"", filepath.Join(dir, "none")} {
		if got, err := detect.Look(path); !errors.Is(err, fs.ErrNotExist) || got != nil {
			t.Errorf("%q: %v, %v", path, got, err)
		}
	}
	if got, err := detect.Look(file); err == nil || got != nil {
		t.Errorf("a file: %v, %v", got, err)
	}
}

// TestOpenOthers: what is found is opened, or of two what is chosen.
func TestOpenOthers(t *testing.T) {
	dir := fixture.Dir(t, "hashicorp-wal-n2")
	fixture.Must(t, os.Rename(filepath.Join(fixture.Dir(t, "etcd-small"), "member"), filepath.Join(dir, "member")))
	for _, system := range []string{walcore.Etcd, walcore.HashiCorp} {
		log, err := detect.Open(dir, detect.Options{System: system})
		fixture.Must(t, err)
		if got := log.Meta().System.Name; got != system {
			t.Errorf("%s was opened as %s's", system, got)
		}
		fixture.Must(t, log.Close())
	}
	for _, system := range []string{"", walcore.Dgraph, "consul"} {
		if log, err := detect.Open(dir, detect.Options{System: system}); err == nil || log != nil {
			t.Errorf("system %q: %v, %v", system, log, err)
		}
	}
}
