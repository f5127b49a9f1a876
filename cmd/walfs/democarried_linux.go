package main

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"embed"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/walfs/walfs/walcore"
)

// carried are logs that a real etcd, and real nodes of HashiCorp's library, have written.
//
//go:embed demologs
var carried embed.FS

// carriedLog is what is said of such a log, and shown of it.
type carriedLog struct {
	folder string // in the archive
	name   string
	stops  []stop
}

var carriedLogs = map[string]carriedLog{
	walcore.Etcd: {"etcd-small", "The log of an etcd that was asked one of each kind", []stop{
		{"The tree:", "ls mnt", "walfs ls etcd-small"},
		{"What the directory says of its member:", "head -n 10 mnt/status.json", "walfs stat etcd-small"},
		{"Ids are as etcd prints them:", "cat mnt/meta/node_id mnt/meta/members", "walfs cat etcd-small meta/node_id meta/members"},
		{"Entries are files, by index:", "ls -l mnt/entries | tail -n 3", "walfs ls -l etcd-small entries | tail -n 3"},
		{"What one of them means:", "cat mnt/decoded/00000000000000000005.json", "walfs cat etcd-small decoded/5.json"},
		{"The log as a table:", "walfs dump --to 24 etcd-small | head -n 26", "walfs dump --to 24 etcd-small | head -n 26"},
		{"Who wrote this key?", "walfs dump --key /registry/pods/ns1/pod-10 etcd-small | sed -n 2,6p", "walfs dump --key /registry/pods/ns1/pod-10 etcd-small | sed -n 2,6p"},
		{"Which entries name pod-3?", "grep -rl pod-3 mnt/decoded | sort | head -n 3", "walfs dump --grep pod-3 etcd-small | head -n 5"},
		{"Would a member start on it?", "walfs check etcd-small", "walfs check etcd-small"},
	}},
	walcore.HashiCorp: {"hashicorp-wal-n2", "The log of a follower, written with raft-wal, its commands like a Consul's", []stop{
		{"The tree:", "ls mnt", "walfs ls hashicorp-wal-n2"},
		{"What the directory says of its node:", "walfs stat hashicorp-wal-n2", "walfs stat hashicorp-wal-n2"},
		{"The members of its group:", "cat mnt/meta/members", "walfs cat hashicorp-wal-n2 meta/members"},
		{"Entries are files, with the time at which the leader appended them:", "ls -l --time-style=full-iso mnt/entries | tail -n 3", "walfs ls -l hashicorp-wal-n2 entries | tail -n 3"},
		{"What one of them means:", "cat mnt/decoded/00000000000000001500.json", "walfs cat hashicorp-wal-n2 decoded/1500.json"},
		{"The last ones as a table:", "walfs dump --from 1510 hashicorp-wal-n2 | head -n 9", "walfs dump --from 1510 hashicorp-wal-n2 | head -n 9"},
		{"What a later leader has replaced is still there:", "ls mnt/replaced | head -n 3", "walfs ls hashicorp-wal-n2 replaced | head -n 3"},
		{"Its snapshots:", "ls mnt/snapshots", "walfs ls hashicorp-wal-n2 snapshots"},
		{"Would a node start on it?", "walfs check hashicorp-wal-n2", "walfs check hashicorp-wal-n2"},
	}},
}

// showCarried shows the log of a system that the program carries.
func showCarried(ctx context.Context, s *sights, system string) error {
	log := carriedLogs[system]
	packed, err := carried.Open("demologs/" + system + ".tar.gz")
	if err != nil {
		return err
	}
	defer packed.Close()
	if err := unpack(packed, s.tmp); err != nil {
		return err
	}
	s.dir, s.name, s.stops = filepath.Join(s.tmp, log.folder), log.name, log.stops
	return s.tour(ctx)
}

// unpack writes the files of an archive of our own into a folder.
func unpack(from io.Reader, folder string) error {
	unzipped, err := gzip.NewReader(from)
	if err != nil {
		return err
	}
	for archive := tar.NewReader(unzipped); ; {
		head, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		name := filepath.Join(folder, head.Name)
		if head.Typeflag == tar.TypeDir {
			if err := os.Mkdir(name, 0o700); err != nil {
				return err
			}
			continue
		}
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		_, err = io.Copy(f, archive)
		if err := errors.Join(err, f.Close(), os.Chtimes(name, head.ModTime, head.ModTime)); err != nil {
			return err
		}
	}
}
