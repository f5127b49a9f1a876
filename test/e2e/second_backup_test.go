//go:build linux

package e2e

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
)

// summary is what restic backup prints at its end.
type summary struct {
	MessageType     string `json:"message_type"`
	FilesNew        int    `json:"files_new"`
	FilesChanged    int    `json:"files_changed"`
	FilesUnmodified int    `json:"files_unmodified"`
	DataBlobs       int    `json:"data_blobs"`
	TreeBlobs       int    `json:"tree_blobs"`
	DataAdded       int64  `json:"data_added"`
}

// TestSecondBackupUploadsNothing: a backup tool takes a file for unchanged if its path,
// size, times and inode are the same. So they must be the same on every mount.
func TestSecondBackupUploadsNothing(t *testing.T) {
	need(t, "restic")
	name := fixture.Size("zero", "alpha")
	dir, at, temp := fixture.ShortDir(t, name), t.TempDir(), t.TempDir()
	password := filepath.Join(temp, "password")
	if err := os.WriteFile(password, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	repo := []string{"--repo", filepath.Join(temp, "repo"), "--password-file", password, "--no-cache"}
	output(t, "restic", append(repo, "init")...)
	var first, second summary
	var device [2]string
	for i, s := range []*summary{&first, &second} {
		m := mount(t, dir, at)
		device[i] = output(t, "stat", "-c", "%d", at)
		*s = backup(t, at, repo...)
		m.stop()
	}
	files := 5*len(fixture.ReadManifest(t, name).Entries) + 2 /* native */ + 1 /* jsonl */ + 16 /* meta */ + 2 /* texts */
	if first.FilesNew != files {
		t.Errorf("the first backup has %+v, want %d files", first, files)
	}
	if second.FilesNew+second.FilesChanged+second.DataBlobs != 0 || second.FilesUnmodified != files {
		t.Errorf("the second backup has %+v, want %d unmodified files and no more", second, files)
	}
	// restic stores the device number of files with several links. The kernel gives
	// the second mount the same number only if it is still free.
	if device[0] == device[1] && second.TreeBlobs+int(second.DataAdded) != 0 {
		t.Errorf("the second backup has %+v, want no tree", second)
	}

	to := filepath.Join(temp, "restored")
	output(t, "restic", append(repo, "restore", "latest", "--target", to)...)
	t.Cleanup(func() { output(t, "chmod", "-R", "u+w", to) })
	checkEntries(t, walk(t, to, entryFolders...), wantEntries(t, dir, fixture.ReadManifest(t, name)))
}

// backup backs up a folder's content. It does so from inside, for restic would also
// store the folders above it, and they change.
func backup(t *testing.T, at string, repo ...string) summary {
	t.Helper()
	out := sh(t, `cd "$1" && shift && restic "$@" backup --json .`, append([]string{at}, repo...)...)
	lines := bufio.NewScanner(strings.NewReader(out))
	lines.Buffer(nil, 1<<20)
	var s summary
	for lines.Scan() {
		var one summary
		if json.Unmarshal(lines.Bytes(), &one) == nil && one.MessageType == "summary" {
			s = one
		}
	}
	if s.MessageType == "" {
		t.Fatal("restic printed no summary")
	}
	return s
}
