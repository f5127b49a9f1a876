// Command picture makes the picture in README.md: a terminal with a mount, its tree and a
// grep. Every line in it was printed by the commands that it shows.
//
//	go run ./cmd/walfs/docs/picture
//
// writes cmd/walfs/docs/walfs.svg. It needs Linux and FUSE.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/walfs/walfs/cmd/walfs/docs/examples"
)

// shown are the commands in the picture. The mount goes on beside those after it.
var shown = []string{
	"walfs mount /var/lib/dgraph/w /mnt &",
	"cd /mnt",
	"ls -C",
	"cat meta/hard_state/commit",
	"ls entries | tail -n 2",
	`grep -r '"snapshot [a-z]* 2-' decoded | sort`,
	`grep -rl '"commit_ts": "30"' decoded`,
	"jq -c .proposal.delta.txns decoded/42.json",
}

const picture = "cmd/walfs/docs/walfs.svg"

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "picture:", err)
		os.Exit(1)
	}
}

func run() error {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return fmt.Errorf("go list: %w: run it in the repository", err)
	}
	repository := strings.TrimSpace(string(out))
	bin, err := os.MkdirTemp("", "walfs-picture-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(bin)
	build := exec.Command("go", "build", "-o", bin, "./cmd/walfs")
	build.Dir = repository
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w: %s", err, out)
	}
	svg, err := draw(repository, bin)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(repository, picture), []byte(svg), 0o644)
}

// draw runs the commands with the walfs in the folder bin.
func draw(repository, bin string) (svg string, err error) {
	s, err := examples.Start(repository, bin)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	var lines []line
	for _, command := range shown {
		printed, code, err := s.Run(command)
		if err != nil {
			return "", fmt.Errorf("%s: %w", command, err)
		}
		if code != 0 {
			return "", fmt.Errorf("%s: exit code %d: %s", command, code, printed)
		}
		lines = append(lines, line{text: command, typed: true})
		for text := range strings.Lines(printed) {
			lines = append(lines, line{text: strings.TrimRight(text, "\n")})
		}
	}
	for _, l := range lines {
		if n := utf8.RuneCountInString(l.text); n > columns-2 {
			return "", fmt.Errorf("the picture has %d columns, this line %d: %s", columns, n, l.text)
		}
	}
	return terminal(lines), nil
}
