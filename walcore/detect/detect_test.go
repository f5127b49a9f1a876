package detect_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/detect"
)

// TestOpen: the directory's system is found, and the options reach its reader.
func TestOpen(t *testing.T) {
	dir := fixture.Dir(t, "sealed128")
	read := func(opts detect.Options) error {
		t.Helper()
		log, err := detect.Open(dir, opts)
		if err != nil {
			t.Fatal(err)
		}
		defer log.Close()
		if name := log.Meta().System.Name; name != "dgraph" {
			t.Errorf("system %s", name)
		}
		e, err := log.Entry(1)
		if err == nil {
			_, err = e.Data()
		}
		return err
	}
	if err := read(detect.Options{Key: fixture.Key("sealed128")}); err != nil {
		t.Error(err)
	}
	if err := read(detect.Options{}); err == nil {
		t.Error("an encrypted payload is read without a key")
	}

	// A log file that has lost its key id is read as it is, if that is wanted.
	fixture.Edit(t, filepath.Join(dir, "00001.wal")).Write(1<<20-16, make([]byte, 16))
	if err := read(detect.Options{Key: fixture.Key("sealed128")}); !errors.Is(err, walcore.ErrDataKey) {
		t.Errorf("a payload without its key id: %v", err)
	}
	if err := read(detect.Options{Key: fixture.Key("sealed128"), Plain: true}); err != nil {
		t.Error(err)
	}
}

// TestOpenNoLog: an error names what was looked for, and comes without a log.
func TestOpenNoLog(t *testing.T) {
	empty, none := t.TempDir(), filepath.Join(t.TempDir(), "none")
	alpha := fixture.Dir(t, "sealed128")
	for _, test := range []struct {
		dir  string
		key  []byte
		want error
		says []string
	}{
		{empty, nil, walcore.ErrNotRaftDir, []string{empty, "wal.meta", "00001.wal"}},
		{none, nil, os.ErrNotExist, []string{none}},
		{alpha, []byte("short"), walcore.ErrKey, []string{"want 16, 24 or 32"}},
	} {
		log, err := detect.Open(test.dir, detect.Options{Key: test.key})
		if log != nil || !errors.Is(err, test.want) {
			t.Errorf("%s: %v, %v", test.dir, log, err)
			continue
		}
		for _, part := range test.says {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%q does not say %q", err, part)
			}
		}
	}
}
