//go:build linux

package fusefs

import (
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/walfs/walfs/fsview"
	"github.com/walfs/walfs/test/child"
	"github.com/walfs/walfs/test/raftdir"
	"github.com/walfs/walfs/walcore/dgraph"
)

// liveMount is a directory that is being written, a mount that follows it, and
// a child that looks at the mount.
type liveMount struct {
	*child.Looker
	t      testing.TB
	w      *raftdir.Writer
	key    []byte
	at     string
	live   *fsview.Live
	counts *counter
	marked uint64 // the last checkpoint that awaitTree has stored
}

// serveLive mounts a writer's directory. What the kernel has cached stays until it is
// invalidated: no time-out helps.
func serveLive(t testing.TB, w *raftdir.Writer, key []byte) *liveMount {
	t.Helper()
	child.NeedFUSE(t)
	awaitRest(t, w.Dir())
	cacheForGood(t)
	r, err := dgraph.OpenReader(w.Dir(), dgraph.ReaderOptions{Key: key})
	if err != nil {
		t.Fatal(err)
	}
	l := &liveMount{t: t, w: w, key: key, live: fsview.NewLive(fsview.New(r, nil))}
	raw := New(l.live)
	l.counts = newCounter(raw)
	m, err := mountRaw(l.counts, mountpoint(t), Options{Dir: w.Dir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if detached, err := m.Close(); detached || err != nil {
			t.Errorf("the mount was in use to the end (%t), %v", detached, err)
		}
		<-raw.(*rawFS).followed
		l.live.Close()
	})
	l.at = m.At
	l.Looker = child.StartLooker(t)
	return l
}

// awaitRest waits until a directory's last change is some time ago. One that has changed
// just before it was listed counts as changed at the first look. What is invalidated then
// would disturb a test: the kernel never caches a list that was invalidated when it had a
// part of it.
func awaitRest(t testing.TB, dir string) {
	t.Helper()
	child.Await(t, "the directory to rest", func() bool {
		var st syscall.Stat_t
		if err := syscall.Stat(dir, &st); err != nil {
			t.Fatal(err)
		}
		return time.Since(time.Unix(st.Ctim.Unix())) > 50*time.Millisecond
	})
}

// cacheForGood has the kernel cache what it is given until it is invalidated. Otherwise it
// would ask about a folder each second: on a slow machine more often than on a fast one.
func cacheForGood(t testing.TB) {
	before := untilInvalidated
	untilInvalidated = forever
	t.Cleanup(func() { untilInvalidated = before })
}

// Do is a look at a path of the mount.
func (l *liveMount) Do(op string, args ...string) string {
	l.t.Helper()
	for i, a := range args {
		if op != "open" && i == 0 || op == "open" && i == 1 {
			args[i] = filepath.Join(l.at, a)
		}
	}
	return l.Looker.Do(op, args...)
}

// fresh is the tree of the directory as it is now.
func (l *liveMount) fresh() *fsview.Tree {
	l.t.Helper()
	r, err := dgraph.OpenReader(l.w.Dir(), dgraph.ReaderOptions{Key: l.key})
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { r.Close() })
	return fsview.New(r, nil)
}

// awaitTree waits until the tree is that of the directory as it is now. The kernel may not
// know that yet. But no answer from an earlier tree is on its way then: the test has not
// looked meanwhile.
func (l *liveMount) awaitTree() {
	l.t.Helper()
	l.marked++
	l.w.Checkpoint(l.marked)
	want := strconv.FormatUint(l.marked, 10) + "\n"
	child.Await(l.t, "the tree to follow", func() bool {
		got, err := fs.ReadFile(l.live.Tree(), "meta/checkpoint_index")
		return err == nil && string(got) == want
	})
}

// look is what a Looker does to a path.
type look struct{ op, path string }

func looks(op string, paths ...string) (all []look) {
	for _, p := range paths {
		all = append(all, look{op, p})
	}
	return all
}

func (l *liveMount) see(k look) string {
	l.t.Helper()
	return l.Do(k.op, k.path)
}

// in is what a look at a tree must show.
func (k look) in(t *fsview.Tree) string {
	seen, err := k.at(t)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return syscall.ENOENT.Error()
	case err != nil:
		return syscall.EIO.Error()
	}
	return seen
}

func (k look) at(t *fsview.Tree) (string, error) {
	switch k.op {
	case "stat":
		info, err := t.Lstat(k.path)
		if err != nil {
			return "", err
		}
		return child.SayStat(info.Size(), info.Sys().(*fsview.Attr).Inode), nil
	case "list":
		entries, err := t.ReadDir(k.path)
		var names []string
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return strings.Join(names, "\n"), err
	case "head":
		f, err := t.Open(k.path)
		if err != nil {
			return "", err
		}
		defer f.Close()
		b, err := io.ReadAll(io.LimitReader(f, 4<<20))
		return string(b), err
	case "link":
		return t.ReadLink(k.path)
	}
	return "", errors.New("no such look: " + k.op)
}

// cached waits until the kernel answers all looks by itself, and gives the
// answers. It asks about each folder that is opened, but not for its names.
func (l *liveMount) cached(all []look) (answers []string) {
	l.t.Helper()
	child.Await(l.t, "the kernel to cache all that is looked at", func() bool {
		l.counts.take()
		answers = nil
		for _, k := range all {
			answers = append(answers, l.see(k))
		}
		return l.counts.take().others("OPENDIR", "RELEASEDIR") == 0
	})
	return answers
}

// short shortens what can be megabytes.
func short(s string) string {
	if len(s) > 100 {
		return strconv.Quote(s[:100]) + "… of " + strconv.Itoa(len(s))
	}
	return strconv.Quote(s)
}

// hangsAfter ends what hangs. It is long: a machine may be busy.
const hangsAfter = 4 * time.Minute
