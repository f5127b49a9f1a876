package main

import (
	"context"
	"fmt"

	"github.com/walfs/walfs/fsview"
	"github.com/walfs/walfs/fsview/fusefs"
	"github.com/walfs/walfs/walcore"
)

func runMount(ctx context.Context, opts mountOptions, args []string) error {
	dir, at := args[0], args[1]
	renice()
	open := opts.tree.open
	if opts.frozen {
		open = opts.tree.openFrozen
	}
	tree, err := open(dir)
	if err != nil {
		return err
	}
	defer tree.endDecoder()
	if tree.imageErr != nil {
		notef("native/ cannot be read: %v", tree.imageErr)
	}
	live := fsview.NewLive(tree.Tree)
	defer live.Close() // and the newest log with it: tree.log is one that came before
	var view fsview.View = live
	if opts.frozen {
		view = tree.Tree
		tree.log.Problems() // reads what would be read later: payload lengths
	}
	m, err := fusefs.Mount(view, at, fusefs.Options{Dir: dir, AllowOther: opts.allowOther, XAttrs: opts.xattrs})
	if err != nil {
		return err
	}
	notef("serving %s at %s; Ctrl-C or umount ends it", dir, m.At)
	// After that line: counting looks at the whole log.
	go announceProblems(tree.log, m.At)
	select {
	case <-m.Done():
		return nil
	case <-ctx.Done():
	}
	return unmount(m)
}

func announceProblems(log walcore.Log, at string) {
	problems := log.Problems()
	if len(problems) == 0 {
		return
	}
	notef("%s; %s/status.json lists all", countProblems(problems), at)
}

func unmount(m *fusefs.Mounted) error {
	detached, err := m.Close()
	if err != nil {
		return fmt.Errorf("unmount %s: %w; end it with umount -l %s", m.At, err, m.At)
	}
	if detached {
		notef("%s was in use: detached; programs that still have it open get errors", m.At)
	}
	return nil
}
