package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"github.com/walfs/walfs/fsview"
	"github.com/walfs/walfs/fsview/fusefs"
	"github.com/walfs/walfs/walcore/detect"
	"github.com/walfs/walfs/walcore/platform"
)

// A stop of the tour is a command for the mounted tree, and one for the same
// without a mount.
type stop struct{ say, mounted, unmounted string }

var tour = []stop{
	{"The tree:", "ls mnt", "walfs ls node1"},
	{"What is in it, in short:", "head -n 9 mnt/status.json", "walfs stat node1"},
	{"Metadata are small files:", "cat mnt/meta/hard_state/commit", "walfs cat node1 meta/hard_state/commit"},
	{"Entries are files, by index:", "ls -l mnt/entries | tail -n 3", "walfs ls -l node1 entries | tail -n 3"},
	{"The same by term, one for each election:", "ls mnt/terms", "walfs ls node1 terms"},
	{"The same by type; the changes of membership that began it all:",
		"ls mnt/types/conf_change", "walfs ls node1 types/conf_change"},
	{"A payload is a file's content; the short name does:", "cat mnt/entries/$(cat mnt/meta/last_index)",
		"walfs cat node1 entries/$(walfs cat node1 meta/last_index)"},
	{"Which entries move somebody to Lima?", "grep -rl Lima mnt/entries | sort | tail -n 3",
		"walfs dump --format json --grep Lima node1 | tail -n 3"},
	{"The snapshot is the application's own blob:", "head -n 4 mnt/snapshots/latest/data",
		"walfs cat node1 snapshots/latest/data | head -n 4"},
}

// sights are a log to show, and what there is to see in it.
type sights struct {
	out   io.Writer
	tmp   string // in which its mountpoint is made
	once  bool   // end after the tour
	dir   string // the log's directory, in tmp
	name  string // what it is called
	stops []stop
}

func (d *sights) tell(format string, args ...any) { fmt.Fprintf(d.out, format+"\n", args...) }

// tour mounts the log, or does without, and shows it.
func (d *sights) tour(ctx context.Context) error {
	dir, at := d.dir, filepath.Join(d.tmp, "mnt")
	if err := os.Mkdir(at, 0o700); err != nil {
		return err
	}
	// A storage may have the directory open, which a reader does not mind.
	log, err := detect.Open(dir, detect.Options{})
	if err != nil {
		return err
	}
	live := fsview.NewLive(fsview.New(log, nil))
	defer live.Close()
	m, err := fusefs.Mount(live, at, fusefs.Options{Dir: dir})
	if err != nil {
		notef("no mount here: %v", err)
		notef("the same tour without one")
	} else {
		d.tell("%s is mounted at %s.", d.name, at)
	}
	err = d.showStops(ctx, m != nil)
	if err == nil && !d.once {
		d.stay(ctx, dir, m)
	}
	if m != nil {
		if err := unmount(m); err != nil {
			return err
		}
	}
	return err
}

func (d *sights) showStops(ctx context.Context, mounted bool) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	for _, s := range d.stops {
		line := s.mounted
		if !mounted {
			line = s.unmounted
		}
		d.tell("\n# %s\n$ %s", s.say, line)
		// Ctrl-C ends all that the line runs before the mount goes that it looks
		// at. What the line prints on stderr when it is ended so is left out.
		sh, err := platform.Shell(ctx, `walfs() { "$WALFS" "$@"; }; `+line)
		if err != nil {
			return err
		}
		sh.Dir = d.tmp
		sh.Env = append(os.Environ(), "WALFS="+self)
		var said bytes.Buffer
		sh.Stdout, sh.Stderr = d.out, &said
		err = sh.Run()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if sh.ProcessState != nil && sh.ProcessState.ExitCode() == 128+int(syscall.SIGPIPE) {
			return syscall.EPIPE
		}
		os.Stderr.Write(said.Bytes())
		if err != nil {
			return fmt.Errorf("%s: %w", line, err)
		}
	}
	return nil
}

func (d *sights) stay(ctx context.Context, dir string, m *fusefs.Mounted) {
	if m == nil {
		d.tell("\nLook further with walfs ls %s, walfs cat and walfs stat. Ctrl-C ends the demo.", dir)
		<-ctx.Done()
		return
	}
	d.tell("\nLook further: cd %s (its README tells what each path holds). Ctrl-C ends the demo.", m.At)
	select {
	case <-ctx.Done():
	case <-m.Done():
	}
}
