package main

import (
	"context"
	"fmt"
	"os"

	"github.com/walfs/walfs/fsview"
	"github.com/walfs/walfs/fsview/fusefs"
	"github.com/walfs/walfs/walcore"
)

func runMount(ctx context.Context, opts mountOptions, dir, at string) error {
	giveWay()
	r, err := opts.read.open(dir)
	if err != nil {
		return err
	}
	tree, done, err := opts.decode.tree(r)
	if err != nil {
		r.Close()
		return err
	}
	defer done()
	live := fsview.NewLive(tree)
	defer live.Close()
	var view fsview.View = live
	if opts.frozen {
		view = tree
		r.Problems() // reads what would be read later: payload lengths
	}
	m, err := fusefs.Mount(view, at, fusefs.Options{Dir: dir, AllowOther: opts.allowOther, XAttrs: opts.xattrs})
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "walfs: serving %s at %s; Ctrl-C or umount ends it\n", dir, m.At)
	// After that line: counting looks at the whole log.
	go announceProblems(r, m.At)
	select {
	case <-m.Done():
		return nil
	case <-ctx.Done():
	}
	return unmount(m)
}

func announceProblems(r walcore.Log, at string) {
	problems := r.Problems()
	if len(problems) == 0 {
		return
	}
	fmt.Fprintf(os.Stderr, "walfs: %s; %s/status.json lists all\n", countProblems(problems), at)
}

func unmount(m *fusefs.Mounted) error {
	detached, err := m.Close()
	if err != nil {
		return fmt.Errorf("unmount %s: %w; end it with umount -l %s", m.At, err, m.At)
	}
	if detached {
		fmt.Fprintf(os.Stderr, "walfs: %s was in use: detached; programs that still have it open get errors\n", m.At)
	}
	return nil
}
