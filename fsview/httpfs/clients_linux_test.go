package httpfs

import (
	"bytes"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/walfs/walfs/fsview"
	"github.com/walfs/walfs/test/fixture"
)

// Programs that people use. Where one is not installed, its test is skipped; with CI=true it
// fails.

func need(t *testing.T, program string) {
	t.Helper()
	fixture.OneSize(t)
	fixture.NotForRace(t)
	if _, err := exec.LookPath(program); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
}

// serve serves a fixture below /dir/log/ and /dav/log/. It returns the tree, and the
// server's address.
func serve(t *testing.T, name string) (tree *fsview.Tree, dir, url string) {
	t.Helper()
	dir = fixture.ShortDir(t, name)
	tree = openDir(t, dir, nil)
	mux := http.NewServeMux()
	mux.Handle("/dir/log/", http.StripPrefix("/dir/log", New(tree, Options{})))
	mux.Handle("/dav/log/", http.StripPrefix("/dav/log", NewDAV(tree, "/dav/log", Options{})))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return tree, dir, server.URL
}

// run runs a program. It returns its standard output, and an error with what it said.
func run(t *testing.T, program string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), "RCLONE_CONFIG=", "HOME="+t.TempDir(), "TZ=UTC")
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Logf("%s %q: %v\n%s", program, args, err, said.Bytes())
	}
	return string(out), err
}

// writeTree writes a tree's files to a folder. A link is written as what it leads to.
func writeTree(t *testing.T, tree *fsview.Tree, folder, to string) {
	t.Helper()
	fixture.Must(t, os.MkdirAll(to, 0o755))
	names, err := fs.ReadDir(tree, folder)
	fixture.Must(t, err)
	for _, name := range names {
		path := strings.TrimPrefix(folder+"/"+name.Name(), "./")
		info, err := fs.Stat(tree, path)
		fixture.Must(t, err)
		at := filepath.Join(to, name.Name())
		if info.IsDir() {
			writeTree(t, tree, path, at)
			continue
		}
		fixture.WriteFile(t, at, []byte(read(t, tree, path)))
		fixture.Must(t, os.Chtimes(at, time.Time{}, info.ModTime()))
	}
}

func TestRcloneHTTP(t *testing.T) {
	need(t, "rclone")
	t.Parallel() // it waits most of the time
	tree, _, url := serve(t, "bigsnap")
	checkRclone(t, tree, ":http,url='"+url+"/dir/log/':")
}

// TestRcloneWebDAV: it copies what the tree is, and cannot write. It sends a hundred requests a
// second at most, so that it is asked for a part.
func TestRcloneWebDAV(t *testing.T) {
	need(t, "rclone")
	t.Parallel() // it waits most of the time
	tree, dir, url := serve(t, "bigsnap")
	before := fixture.State(t, dir)
	remote := ":webdav,url='" + url + "/dav/log/',vendor=other:"
	got := checkRclone(t, tree, remote, "README", "status.json", "jsonl", "snapshots")
	fixture.WriteFile(t, filepath.Join(got, "new"), []byte("new"))
	if _, err := run(t, "rclone", "sync", "--retries=1", filepath.Join(got, "jsonl"), remote+"jsonl"); err != nil {
		t.Error("rclone sync of what is there already failed")
	}
	if _, err := run(t, "rclone", "copy", "--retries=1", filepath.Join(got, "new"), remote+"jsonl"); err == nil {
		t.Error("rclone copy to the tree says that it worked")
	}
	fixture.Must(t, os.RemoveAll(filepath.Join(got, "jsonl/00001.wal.jsonl")))
	if _, err := run(t, "rclone", "sync", "--retries=1", filepath.Join(got, "jsonl"), remote+"jsonl"); err == nil {
		t.Error("rclone sync that has to delete says that it worked")
	}
	if _, err := run(t, "rclone", "mkdir", "--retries=1", remote+"new"); err == nil {
		t.Error("rclone mkdir says that it worked")
	}
	if after := fixture.State(t, dir); after != before {
		t.Errorf("the directory was\n%sand is\n%s", before, after)
	}
}

// checkRclone copies a remote, or only some names at its top, and compares both with the tree.
// It returns the copy.
func checkRclone(t *testing.T, tree *fsview.Tree, remote string, only ...string) (copied string) {
	t.Helper()
	want, copied := t.TempDir(), t.TempDir()
	writeTree(t, tree, ".", want)
	args := []string{"--retries=1", "--checkers=8"}
	for _, name := range only {
		args = append(args, "--include=/"+name, "--include=/"+name+"/**")
	}
	if _, err := run(t, "rclone", append(args, "copy", remote, copied)...); err != nil {
		t.Fatal("rclone copy failed")
	}
	if _, err := run(t, "rclone", append(args, "check", "--download", want, remote)...); err != nil {
		t.Error("rclone check found a difference")
	}
	names, err := os.ReadDir(want)
	fixture.Must(t, err)
	for _, name := range names {
		if len(only) > 0 && !slices.Contains(only, name.Name()) || name.Name() == "replaced" { // that is empty
			continue
		}
		if out, err := run(t, "diff", "-r", filepath.Join(want, name.Name()), filepath.Join(copied, name.Name())); err != nil {
			t.Error(out)
		}
	}
	return copied
}

func TestWget(t *testing.T) {
	need(t, "wget")
	t.Parallel() // it waits most of the time
	tree, _, url := serve(t, "bigsnap")
	want, got := t.TempDir(), t.TempDir()
	writeTree(t, tree, ".", want)
	// The link's page is that of the folder that it leads to, and the files are there once.
	fixture.Must(t, os.RemoveAll(filepath.Join(want, "snapshots/latest")))
	fixture.Must(t, os.Mkdir(filepath.Join(want, "snapshots/latest"), 0o755))
	if _, err := run(t, "wget", "-r", "-l", "inf", "-np", "-nH", "--cut-dirs=2", "-q", "-e", "robots=off", "-P", got, url+"/dir/log/"); err != nil {
		t.Fatal("wget failed")
	}
	if out, err := run(t, "diff", "-r", "-x", "index.html", want, got); err != nil {
		t.Error(out)
	}
}

func TestCurl(t *testing.T) {
	need(t, "curl")
	t.Parallel() // it waits most of the time
	tree, _, url := serve(t, "bigsnap")
	whole := read(t, tree, "jsonl/00001.wal.jsonl")
	const path = "/dir/log/jsonl/00001.wal.jsonl"
	part := filepath.Join(t.TempDir(), "part")
	fixture.WriteFile(t, part, []byte(whole[:100]))
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{url + path}, whole},
		{[]string{"--compressed", url + path}, whole},
		{[]string{"-r", "10-19", url + path}, whole[10:20]},
		{[]string{"-r", "-5", url + path}, whole[len(whole)-5:]},
		{[]string{"-L", url + "/dir/log/snapshots/latest/metadata.json"}, read(t, tree, "snapshots/latest/metadata.json")},
		{[]string{"-L", "-o", "/dev/null", "-w", "%{num_redirects} %{http_code}", url + "/dir/log/snapshots/latest"}, "2 200"},
		{[]string{"-C", "-", "-o", part, url + path}, ""},
		{[]string{"-T", part, "-o", "/dev/null", "-w", "%{http_code}", url + "/dav/log/README"}, "403"},
		{[]string{"--path-as-is", "-o", "/dev/null", "-w", "%{http_code}", url + "/dir/log/native/%2e%2e/README"}, "404"},
	} {
		got, err := run(t, "curl", append([]string{"-sS"}, test.args...)...)
		if err != nil || got != test.want {
			t.Errorf("%q: got %d bytes, want %d: %.100q", test.args, len(got), len(test.want), got)
		}
	}
	if got := string(fixture.ReadFile(t, part)); got != whole {
		t.Errorf("a download that goes on has %d bytes, want %d", len(got), len(whole))
	}
}
