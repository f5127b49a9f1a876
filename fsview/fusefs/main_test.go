//go:build linux

package fusefs

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/moby/sys/mountinfo"
	"github.com/walfs/walfs/fsview"
	"github.com/walfs/walfs/test/child"
	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore/dgraph"
	"github.com/walfs/walfs/walcore/payload"
)

// These tests serve a tree in their own process, to count its requests. They look at the
// mount from child processes only: a system call of their own on it could keep the server
// from running, and would wait for it.

func TestMain(m *testing.M) {
	child.LookerMain()
	if op := os.Getenv(childVariable); op != "" {
		os.Exit(childMain(op, os.Args[1:]))
	}
	// A program with the race detector sleeps for a second before it ends.
	os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE"))
	code := m.Run()
	if left := leftMounts(); len(left) > 0 {
		fmt.Fprintf(os.Stderr, "mounts left behind: %v\n", left)
		code = 1
	}
	os.Exit(code)
}

func leftMounts() (left []string) {
	mounts, err := mountinfo.GetMounts(nil)
	if err != nil {
		return []string{err.Error()}
	}
	for _, m := range mounts {
		// Other tests may have mounts of this type at the same time.
		if m.FSType == "fuse."+Name && strings.HasPrefix(m.Mountpoint, tempPrefix()) {
			left = append(left, m.Mountpoint)
		}
	}
	return left
}

// tempPrefix begins the paths of this process's mountpoints and of no other's.
func tempPrefix() string { return fmt.Sprintf("%s/walfs-test-%d-", os.TempDir(), os.Getpid()) }

// mountpoint is an empty folder whose name says which process made it.
func mountpoint(t testing.TB) string {
	t.Helper()
	at, err := os.MkdirTemp("", strings.TrimPrefix(tempPrefix(), os.TempDir()+"/"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(at) })
	return at
}

// serve mounts a directory, as walfs mount does, and counts the requests.
func serve(t *testing.T, dir string, key []byte) (string, *counter) {
	t.Helper()
	return serveView(t, Options{Dir: dir}, key, live(nil))
}

// serveDecoded is serve with a decoder.
func serveDecoded(t *testing.T, dir string, key []byte, decoder payload.Decoder) (string, *counter) {
	t.Helper()
	return serveView(t, Options{Dir: dir}, key, live(decoder))
}

func live(decoder payload.Decoder) func(*dgraph.Reader) fsview.View {
	return func(r *dgraph.Reader) fsview.View { return fsview.NewLive(fsview.New(r, decoder)) }
}

// serveFrozen is serve of a Tree, which does not change.
func serveFrozen(t *testing.T, dir string, key []byte) (string, *counter) {
	t.Helper()
	return serveView(t, Options{Dir: dir}, key, func(r *dgraph.Reader) fsview.View { return fsview.New(r, nil) })
}

func serveView(t *testing.T, o Options, key []byte, view func(*dgraph.Reader) fsview.View) (string, *counter) {
	t.Helper()
	child.NeedFUSE(t)
	r, err := dgraph.OpenReader(o.Dir, dgraph.ReaderOptions{Key: key})
	if err != nil {
		t.Fatal(err)
	}
	v := view(r)
	t.Cleanup(func() {
		if live, ok := v.(*fsview.Live); ok {
			live.Close()
		} else {
			r.Close()
		}
	})
	raw := New(v)
	c := newCounter(raw)
	m, err := mountRaw(c, mountpoint(t), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if detached, err := m.Close(); detached || err != nil {
			t.Errorf("the mount was in use to the end (%t), %v", detached, err)
		}
		<-raw.(*rawFS).followed // behind the counter, Close does not know of it
	})
	return m.At, c
}

// sh runs a script in a child process, with the mount's path as $1. The script
// itself changes into it: exec's own Dir would block this process's fork.
func sh(t *testing.T, script string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), hangsAfter)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", append([]string{"-c", script, "sh"}, args...)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C", "TZ=UTC")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", script, err, out, stderr.Bytes())
	}
	return string(out)
}

// biggest is the fixture of a real Alpha under load at full size, or the small
// one of an idle Alpha where that is not to be had.
func biggest() string {
	if fixture.Full() && fixture.Has("alpha-killed") {
		return "alpha-killed"
	}
	return "alpha"
}
