package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/walfs/walfs/fsview"
	"github.com/walfs/walfs/fsview/fusefs"
	"github.com/walfs/walfs/walcore"
)

func runMount(ctx context.Context, opts mountOptions, args []string) (err error) {
	if opts.idleTimeout < 0 {
		return usageError("--idle-timeout takes a time above zero, as in 10m")
	}
	if opts.background && parent == nil {
		return startInBackground(ctx)
	}
	opened := endWith(ctx)
	dir, at, err := opts.absolute(args)
	if err != nil {
		return err
	}
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
		if _, ok := tree.log.(walcore.Pinner); ok && tree.imageErr == nil {
			notef("a database in native/ can be read until the node writes to it again: back up a running node with walfs copy")
		}
	}
	ctx, guard := guardMount(ctx, at)
	defer guard.release()
	opened()
	logFile, err := openLogFile(opts.logFile)
	if err != nil {
		return err
	}
	pid, err := takePIDFile(opts.pidFile)
	if err != nil {
		return err
	}
	defer pid.remove()
	web, err := opts.listen(dir, live)
	if err != nil {
		return err
	}
	m, err := fusefs.Mount(view, at, fusefs.Options{Dir: dir, AllowOther: opts.allowOther, XAttrs: opts.xattrs, NoExec: opts.noExec})
	if err != nil {
		return errors.Join(err, web.Close())
	}
	guard.mounted.Store(m)
	defer web.begin(ctx)()
	if err := opts.sayServing(whose(tree.log.Meta(), dir), m.At+web.where(), logFile); err != nil {
		_, closeErr := m.Close()
		return errors.Join(err, closeErr)
	}
	// After that line: counting looks at the whole log.
	check, end := context.WithCancel(ctx)
	defer end()
	go checkRest(check, live, m.At)
	return opts.serve(ctx, m, web)
}

const (
	// checkPause is how many times as long as a look at a log file takes it is waited before the next one:
	// others want to read.
	checkPause = 9
	// checkAgain is how long it is waited when all were looked at: a running node adds some.
	checkAgain = 10 * time.Second
)

// checkRest looks at the log files that opening has not looked at, one after the other, and says how many
// problems there are.
func checkRest(ctx context.Context, live *fsview.Live, at string) {
	for announced := false; ; {
		start := time.Now()
		log, ok := live.Log().(walcore.Partial)
		more := ok && log.CheckNext()
		if ctx.Err() != nil { // the log may be closed: what cannot be read then is no problem
			return
		}
		wait := checkPause * time.Since(start)
		if !more {
			if !announced {
				announced = true
				announceProblems(live.Log(), at)
			}
			wait = max(wait, checkAgain)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// serve waits for the end of a mount, and ends it when ctx does.
func (o *mountOptions) serve(ctx context.Context, m *fusefs.Mounted, web *mountServer) error {
	idle := newIdleness(func() (uint64, bool) {
		all, running := web.requests()
		return m.Requests() + all, running > 0
	}, o.idleTimeout)
	defer idle.stop()
	for {
		select {
		case <-m.Done():
			if o.background {
				notef("%s is unmounted", m.At)
			}
			return nil
		case <-ctx.Done():
			tellSystemd("STOPPING=1")
			err := unmount(m)
			if o.background && err == nil {
				notef("%s is unmounted", m.At)
			}
			return err
		case now := <-idle.ticks:
			if idle.lasts(now) && m.Unmount() == nil { // if it is in use, later
				notef("%s was unused for %v: unmounted", m.At, o.idleTimeout)
				return nil
			}
		}
	}
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

// idleness finds out whether a mount is used.
type idleness struct {
	requests func() (all uint64, running bool) // so far, and whether one is being answered over HTTP
	timeout  time.Duration
	ticks    <-chan time.Time // nil if nobody wants to know
	stop     func()
	seen     uint64 // requests
	since    time.Time
}

func newIdleness(requests func() (uint64, bool), timeout time.Duration) *idleness {
	if timeout <= 0 {
		return &idleness{stop: func() {}}
	}
	// Looking four times keeps the end within a quarter of what was asked for.
	t := time.NewTicker(max(timeout/4, time.Millisecond))
	return &idleness{requests: requests, timeout: timeout, ticks: t.C, stop: t.Stop, since: time.Now()}
}

// lasts reports whether nothing was asked for long enough. If it was, the time begins anew.
func (i *idleness) lasts(now time.Time) bool {
	if n, running := i.requests(); running || n != i.seen {
		i.seen, i.since = n, now
	}
	if now.Sub(i.since) < i.timeout {
		return false
	}
	i.since = now
	return true
}
