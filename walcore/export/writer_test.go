package export

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestWriteFails: rows are taken, and the first error is given, wherever writing fails.
func TestWriteFails(t *testing.T) {
	for _, rows := range []int{0, 1, 100 * maxRows} {
		for _, format := range []string{Parquet, CSV} {
			out, err := newUnfinished(filepath.Join(t.TempDir(), "out"))
			if err != nil {
				t.Fatal(err)
			}
			out.Close() // every write fails from here on
			x := exporter{Options: &Options{Format: format}}
			w := newTableWriter(txns, out, nil, x.sink(&source{}))
			for i := range rows {
				w.batch.integer(txnIndex, int64(i))
				w.batch.integer(txnTerm, 1)
				w.batch.text(txnFile, "a file's name")
				w.batch.unsigned(txnStart, uint64(i)*0x9e3779b97f4a7c15)
				w.batch.boolean(txnAborted, true)
				w.endRow()
			}
			if err := w.finish(); !errors.Is(err, os.ErrClosed) {
				t.Errorf("%s, %d rows: %v", format, rows, err)
			}
			if failed := w.failed.Load(); failed != (rows > 1) {
				t.Errorf("%s, %d rows: failed before the end: %v", format, rows, failed)
			}
			w.out.abandon()
		}
	}
}

// TestUnfinished: what a killed export has left is replaced, be it a link.
func TestUnfinished(t *testing.T) {
	folder := t.TempDir()
	other := filepath.Join(folder, "other")
	if err := os.WriteFile(other, []byte("keep"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(other, filepath.Join(folder, ".out.walfs-unfinished")); err != nil {
		t.Skip(err) // Windows asks for a privilege
	}
	u, err := newUnfinished(filepath.Join(folder, "out"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := u.WriteString("new"); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(u.flush(), u.finish()); err != nil {
		t.Fatal(err)
	}
	kept, _ := os.ReadFile(other)
	out, _ := os.ReadFile(u.final)
	if string(kept) != "keep" || string(out) != "new" {
		t.Errorf("%q, %q", kept, out)
	}
}
