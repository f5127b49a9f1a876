package backup_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/raftdir"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/backup"
	"github.com/walfs/walfs/walcore/dgraph"
)

// copierVariable makes this test binary a copier: see copier.
const copierVariable = "WALFS_BACKUP_COPIER"

func TestMain(m *testing.M) {
	if how := os.Getenv(copierVariable); how != "" {
		copier(how, os.Args[1], os.Args[2])
	}
	os.Exit(m.Run())
}

// copier copies a directory. "kill N" kills it after step N; with "limit N", no file can
// become larger than N bytes.
func copier(how, dir, out string) {
	what, number, _ := strings.Cut(how, " ")
	n, err := strconv.Atoi(number)
	if err == nil && what == "limit" {
		err = syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: uint64(n), Max: uint64(n)})
	}
	o := backup.Options{Progress: func(int64, int64) {
		if n--; what == "kill" && n == 0 {
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}}
	var log *dgraph.Reader
	if err == nil {
		log, err = dgraph.OpenReader(dir, dgraph.ReaderOptions{})
	}
	if err == nil {
		_, err = toPath(out)(context.Background(), log, out, o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// toPath copies to a folder or to an archive, as the name says.
func toPath(out string) func(context.Context, walcore.Log, string, backup.Options) (*backup.Copy, error) {
	if strings.HasSuffix(out, ".tar") {
		return backup.ToTar
	}
	return backup.ToFolder
}

// TestKilled kills copies after each step. What is left does not look like a copy, and the
// next copy takes it away.
func TestKilled(t *testing.T) {
	dir := large(t, raftdir.Options{}).Dir()
	for _, name := range []string{"out", "out.tar"} {
		temp := t.TempDir()
		out := filepath.Join(temp, name)
		killed := 0
		for step := 1; ; step += fixture.Size(7, 3) {
			said, err := runCopier(t, fmt.Sprint("kill ", step), dir, out)
			if err == nil {
				break
			}
			if said != "" {
				t.Fatalf("%s: it failed before it was killed: %s", name, said)
			}
			killed++
			wantNames(t, temp, "."+name+".walfs-unfinished")
		}
		if killed < 2 {
			t.Errorf("%d copies were killed", killed)
		}
		wantNames(t, temp, name)
	}
}

// TestFullDisk: a copy that cannot be written leaves nothing, and says why.
func TestFullDisk(t *testing.T) {
	dir := large(t, raftdir.Options{}).Dir()
	for _, name := range []string{"out", "out.tar"} {
		for _, limit := range []int{0, 5000, 1 << 20, 3 << 20} {
			temp := t.TempDir()
			said, err := runCopier(t, fmt.Sprint("limit ", limit), dir, filepath.Join(temp, name))
			if err == nil || !strings.Contains(said, syscall.EFBIG.Error()) {
				t.Errorf("%s, at most %d bytes: %v, %s", name, limit, err, said)
			}
			wantNames(t, temp)
		}
	}
}

func runCopier(t *testing.T, how, dir, out string) (said string, err error) {
	t.Helper()
	self, err := os.Executable()
	fixture.Must(t, err)
	cmd := exec.Command(self, dir, out)
	cmd.Env = append(os.Environ(), copierVariable+"="+how)
	b, err := cmd.CombinedOutput()
	return string(b), err
}

// TestUntouched: the original is as it was, down to the access times.
func TestUntouched(t *testing.T) {
	for _, name := range []string{"alpha", "bigsnap", "sealed128"} {
		dir := fixture.Dir(t, name)
		fixture.Age(t, dir)
		before := fixture.State(t, dir)
		for _, way := range ways {
			_, c, err := way.copy(t, t.Context(), open(t, dir, nil), backup.Options{})
			fixture.Must(t, err)
			fixture.Must(t, c.Log.Close())
			if now := fixture.State(t, dir); now != before {
				t.Errorf("%s, by %s: the directory is\n%sbefore:\n%s", name, way.name, now, before)
			}
		}
	}
}
