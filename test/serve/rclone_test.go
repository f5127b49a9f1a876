//go:build linux

package serve

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/test/fixture"
)

// TestRclone: a client that others have written copies a whole tree over HTTP and WebDAV, finds
// it the same when it looks again, and each entry is what its own system reads.
func TestRclone(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("rclone"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skipf("there is no rclone here: %v", err)
	}
	// By itself rclone waits for 10 ms before each request of WebDAV's.
	http, dav, folders := "alpha", "bigsnap", []string{"entries", "meta"}
	if fixture.Full() {
		http, dav, folders = "alpha", "alpha", []string{"entries", "meta", "decoded", "jsonl"}
		if fixture.Has("cluster-node1") {
			http = "cluster-node1"
		}
	}
	for _, test := range []struct{ kind, name, path, more string }{{"http", http, "dir", ""}, {"webdav", dav, "dav", ",vendor=other"}} {
		t.Run(test.kind, func(t *testing.T) {
			name := test.name
			s := serve(t, fixture.Dir(t, name))
			from := fmt.Sprintf(":%s,url='%s/%s/%s/'%s:", test.kind, s.URL, test.path, name, test.more)
			to := t.TempDir()
			for _, folder := range folders {
				for _, args := range [][]string{{"copy"}, {"check", "--download"}} {
					cmd := exec.Command("rclone", append(args, "--config", os.DevNull, from+folder, filepath.Join(to, folder))...)
					if out, err := cmd.CombinedOutput(); err != nil {
						t.Fatalf("rclone %v of %s: %v\n%.2000s", args, folder, err, out)
					}
				}
			}
			entries := fixture.ReadManifest(t, name).Entries
			for _, e := range entries {
				data := fixture.ReadFile(t, filepath.Join(to, "entries", fmt.Sprintf("%020d", e.Index)))
				if fmt.Sprintf("%x", sha256.Sum256(data)) != e.SHA256 {
					t.Errorf("entry %d is other bytes", e.Index)
				}
			}
			if list, err := os.ReadDir(filepath.Join(to, "entries")); err != nil || len(list) != len(entries) {
				t.Errorf("%d entries, want %d: %v", len(list), len(entries), err)
			}
		})
	}
}
