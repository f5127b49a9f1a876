package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
)

// TestVersionOfACheckout: what is built from a checkout says its tag, commit and date. The
// checkout is one of version.go alone: the rest of the program would take long to build anew.
func TestVersionOfACheckout(t *testing.T) {
	fixture.OneSize(t)
	t.Parallel()
	if _, err := exec.LookPath("git"); err != nil {
		skip(t, err.Error())
	}
	checkout := t.TempDir()
	for name, from := range map[string]string{"go.mod": "../../go.mod", "go.sum": "../../go.sum", "version.go": "version.go"} {
		data, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(checkout, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const main = "package main\n\nimport \"os\"\n\nfunc main() { runVersion(os.Stdout) }\n"
	if err := os.WriteFile(filepath.Join(checkout, "main.go"), []byte(main), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(name string, args ...string) string {
		t.Helper()
		cmd := exec.Command(name, args...)
		cmd.Dir = checkout
		cmd.Env = append(os.Environ(), "GIT_AUTHOR_DATE=2026-11-27T11:00:00Z", "GIT_COMMITTER_DATE=2026-11-27T11:00:00Z")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	run("git", "init", "-q")
	run("git", "add", ".")
	run("git", "-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-q", "-m", "release")
	run("git", "tag", "v0.1.0")
	program := filepath.Join(t.TempDir(), "walfs")
	run("go", "build", "-buildvcs=true", "-o", program, ".")
	got := run(program, "version")
	want := "walfs v0.1.0\ncommit " + run("git", "rev-parse", "HEAD") + "date 2026-11-27T11:00:00Z\ngo "
	if !strings.HasPrefix(got, want) {
		t.Errorf("%s, want %s", got, want)
	}
}
