package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/walfs/walfs/walcore/format"
	"github.com/walfs/walfs/walcore/storage"
	"github.com/walfs/walfs/walcore/vfs"
)

type createOptions struct {
	write           writeFlags
	raftID, groupID uint64
}

func newCreateCommand() *cobra.Command {
	var opts createOptions
	cmd := &cobra.Command{
		Use:   "create DIR",
		Short: "Make an empty log",
		Long: `Create makes DIR, if it is not there, and an empty log in it: wal.meta and
00001.wal, with --key-file a KEYREGISTRY too. A directory that has a log is
refused. An id that is not given stays 0, as in a directory that Dgraph has not
used yet. What comes next is walfs append, or walfs snapshot --install for a
log that begins behind a snapshot.
` + writeExits,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runCreate(cmd.Context(), opts, args, cmd.OutOrStdout())
		},
	}
	opts.write.add(cmd.Flags())
	cmd.Flags().Uint64Var(&opts.raftID, "raft-id", 0, "the node's `ID` in its Raft group")
	cmd.Flags().Uint64Var(&opts.groupID, "group-id", 0, "the `ID` of its group; a Zero's is 0")
	return cmd
}

func runCreate(ctx context.Context, opts createOptions, args []string, stdout io.Writer) error {
	dir := args[0]
	stop := endWith(ctx)
	key, err := readKey(opts.write.keyFile) // from a terminal it may take its time
	stop()
	if err != nil {
		return err
	}
	if err := checkNoLog(dir); err != nil {
		return err
	}
	_, err = os.Stat(dir)
	exists := err == nil
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	at := dir
	if !exists && opts.write.dryRun {
		// A dry run opens a directory, too. It is given an empty one.
		if _, err := os.Stat(filepath.Dir(filepath.Clean(dir))); err != nil {
			return err
		}
		if at, err = os.MkdirTemp("", "walfs-create-"); err != nil {
			return err
		}
		defer os.RemoveAll(at)
	}
	s, err := opts.write.openWith(at, storage.Options{Key: key, Create: true}, stdout)
	if err != nil {
		return err
	}
	st := s.State()
	st.RaftID, st.GroupID = opts.raftID, opts.groupID
	if err := s.SetState(st); err != nil {
		return s.end(err)
	}
	what := "plain"
	if len(key) > 0 {
		what = "encrypted"
	}
	if !exists {
		s.say("make", "made", "%s", dir)
	}
	s.say("create", "created", "an empty log in %s: raft id %d, group id %d, %s", dir, opts.raftID, opts.groupID, what)
	return s.end(nil)
}

// checkNoLog fails if a directory has any file of a log.
func checkNoLog(dir string) error {
	if err := notDgraphs(dir); err != nil {
		return err
	}
	d, err := vfs.OpenScratch(dir) // leaves no access time
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer d.Close()
	entries, err := d.List()
	if err != nil {
		return err
	}
	for _, e := range entries {
		if _, isLog := format.ParseFileName(e.Name()); isLog || e.Name() == format.MetaName {
			return fmt.Errorf("%s has a log already: %s is there; walfs stat %s shows it", dir, e.Name(), dir)
		}
	}
	return nil
}
