package storage

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

// Another program has a file open, for reading only.
func TestFileOpenElsewhere(t *testing.T) {
	for _, name := range []string{format.MetaName, format.FileName(1), format.KeyRegistryName} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "w")
			opts := Options{Key: []byte("0123456789abcdef"), Logger: quiet}
			s := create(t, dir, opts)
			fixture.Must(t, s.Save(nil, someEntries(1, 1, 3), nil))
			fixture.Must(t, s.Close())
			f, err := os.Open(filepath.Join(dir, name))
			fixture.Must(t, err)
			hold := exec.Command("sleep", "60")
			hold.Stdin = f
			fixture.Must(t, hold.Start())
			fixture.Must(t, f.Close())
			_, err = Open(dir, opts)
			hold.Process.Kill()
			hold.Wait()
			if !errors.Is(err, walcore.ErrInUse) {
				t.Fatalf("with %s open elsewhere: %v", name, err)
			}
			fixture.Must(t, reopen(t, dir, opts).Close())
		})
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
