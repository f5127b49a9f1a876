package main

import (
	"context"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"

	"github.com/walfs/walfs/fsview/fusefs"
)

// mountGuard keeps signals from ending the process while it serves a mount: a mount whose
// server has gone gives errors to all who look at it. untilSignal lets the second signal
// kill; here it must not, so that the guard asks for the signals itself.
type mountGuard struct {
	at      string
	signals chan os.Signal
	mounted atomic.Pointer[fusefs.Mounted]
	dying   atomic.Bool
}

// guardMount gives a context that ends with ctx and with any signal that would end the
// process. SIGPIPE ends nothing: that nobody reads stderr any more does not matter to
// those who use the mount.
func guardMount(ctx context.Context, at string) (context.Context, *mountGuard) {
	ctx, cancel := context.WithCancel(ctx)
	g := &mountGuard{at: at, signals: make(chan os.Signal, 8)}
	signal.Notify(g.signals, append(endings(), syscall.SIGQUIT, syscall.SIGPIPE, syscall.SIGABRT)...)
	go func() {
		defer cancel()
		for seen := 0; ; {
			s, ok := <-g.signals
			if !ok {
				return
			}
			switch {
			case s == syscall.SIGPIPE:
			case s == syscall.SIGABRT: // it asks for a dump of what the process is doing
				g.die(syscall.SIGABRT)
			case s == syscall.SIGHUP && seen > 0: // a terminal that is closed sends two
			case seen > 0:
				g.die(s.(syscall.Signal))
			default:
				seen++
				cancel()
			}
		}
	}()
	return ctx, g
}

// die ends the process by a signal, for somebody who does not want to wait any longer.
func (g *mountGuard) die(s syscall.Signal) {
	g.dying.Store(true)
	// Where detaching fails, unmounting has come first.
	if m := g.mounted.Load(); m != nil {
		fusefs.Detach(m.At)
	} else if m, err := fusefs.Find(g.at); err == nil && m.Server == os.Getpid() {
		fusefs.Detach(m.At) // it was about to be told of
	}
	signal.Reset(s)
	syscall.Kill(os.Getpid(), s)
}

// release lets signals end the process again. There is no mount any more.
func (g *mountGuard) release() {
	if g.dying.Load() {
		select {} // by the signal, and not as if nothing had happened
	}
	signal.Stop(g.signals)
	close(g.signals)
}
