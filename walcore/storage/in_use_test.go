package storage

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

// Another program that reads a file does not matter, in whatever way it reads it. One
// that has a file open for writing does, and is named.
func TestFileOpenElsewhere(t *testing.T) {
	names := []string{format.MetaName, format.FileName(2), format.FileName(1), format.KeyRegistryName}
	for i, name := range names {
		for _, writes := range []bool{false, true} {
			if writes && i >= fixture.Size(2, len(names)) {
				continue // Open waits for two seconds
			}
			t.Run(fmt.Sprint(name, writes), func(t *testing.T) {
				t.Parallel()
				dir := filepath.Join(t.TempDir(), "w")
				opts := Options{Key: []byte("0123456789abcdef"), Logger: quiet, limits: smallFiles}
				s := create(t, dir, opts)
				fixture.Must(t, s.Save(nil, someEntries(1, 1, 13), nil))
				fixture.Must(t, s.Close())
				flags := os.O_RDONLY
				if writes {
					flags = os.O_RDWR
				}
				f, err := os.OpenFile(filepath.Join(dir, name), flags, 0)
				fixture.Must(t, err)
				hold := exec.Command("sleep", "60")
				hold.Stdin = f
				fixture.Must(t, hold.Start())
				fixture.Must(t, f.Close())
				s, err = Open(dir, opts)
				if err == nil {
					fixture.Must(t, s.Save(nil, someEntries(1, 14, 1), nil))
					fixture.Must(t, s.Close())
				}
				hold.Process.Kill()
				hold.Wait()
				who := fmt.Sprintf("open for writing: sleep (pid %d): in use", hold.Process.Pid)
				if writes != errors.Is(err, walcore.ErrInUse) || writes && !strings.Contains(err.Error(), who) {
					t.Fatalf("with %s open elsewhere: %v", name, err)
				}
				fixture.Must(t, reopen(t, dir, opts).Close())
			})
		}
	}
}

// A second storage is told who is the first.
func TestOpenTwice(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "w")
	create(t, dir, Options{Logger: quiet})
	_, err := Open(dir, Options{Logger: quiet})
	if !errors.Is(err, walcore.ErrInUse) || !strings.Contains(err.Error(), fmt.Sprintf("another storage has it open: this process (pid %d): in use", os.Getpid())) {
		t.Error(err)
	}
}

// A process that is forked while a storage is open holds its files until it
// has begun its own program. It is no other user of the directory.
func TestOpenBesideForks(t *testing.T) {
	dir := filepath.Join(memDir(t), "w")
	opts := Options{Sync: SyncManual, Logger: quiet}
	fixture.Must(t, create(t, dir, opts).Close())
	var stop atomic.Bool
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop.Store(true)
	for range 4 {
		wg.Go(func() {
			for !stop.Load() {
				if err := exec.Command("true").Run(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for i := range 50 {
		s, err := Open(dir, opts)
		if err != nil {
			t.Fatalf("opened for the %dth time: %v", i+1, err)
		}
		fixture.Must(t, s.Close())
	}
}
