package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
)

// repository is the folder of all, seen from here.
const repository = "../.."

// pages are README.md and those in docs.
func pages(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("docs/*.md")
	fixture.Must(t, err)
	if len(files) < 7 {
		t.Fatalf("docs has only %v", files)
	}
	return append(files, filepath.Join(repository, "README.md"))
}

var (
	link = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	// A path of the repository in a sentence or a command.
	mentioned = regexp.MustCompile("[ `]\\./?((?:cmd|fsview|meta|test|walcore)/[\\w./-]*\\w)|[ `]((?:\\.ci|\\.github|cmd|fsview|test|walcore)/[\\w./-]*\\w)")
	// What becomes of a heading where it is the target of a link.
	unspoken = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// TestDocsLinks: every relative link in a text of the repository leads to a file that is
// there, and its anchor to a heading; every path that the pages mention is there.
func TestDocsLinks(t *testing.T) {
	pages := pages(t)
	files := pages
	for _, more := range []string{"CHANGELOG.md", ".github/CONTRIBUTING.md", "walcore/check/KINDS.md", "test/mutate/RATES.md"} {
		files = append(files, filepath.Join(repository, more))
	}
	links, paths := 0, 0
	for _, file := range files {
		text := string(fixture.ReadFile(t, file))
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			links++
			checkLink(t, file, m[1])
		}
		if !slices.Contains(pages, file) {
			continue
		}
		for _, m := range mentioned.FindAllStringSubmatch(text, -1) {
			paths++
			if _, err := os.Stat(filepath.Join(repository, m[1]+m[2])); err != nil {
				t.Errorf("%s mentions %s: %v", file, m[1]+m[2], err)
			}
		}
	}
	if links < 20 || paths < 20 {
		t.Errorf("there are %d links and %d paths: are they found?", links, paths)
	}
}

func checkLink(t *testing.T, file, to string) {
	t.Helper()
	path, anchor, _ := strings.Cut(to, "#")
	target := file
	if path != "" {
		target = filepath.Join(filepath.Dir(file), path)
	}
	if _, err := os.Stat(target); err != nil {
		t.Errorf("%s: link to %s: %v", file, to, err)
		return
	}
	if anchor == "" {
		return
	}
	for line := range strings.Lines(string(fixture.ReadFile(t, target))) {
		if title, heading := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); heading && line[0] == '#' &&
			strings.ReplaceAll(unspoken.ReplaceAllString(strings.ToLower(strings.TrimSpace(title)), ""), " ", "-") == anchor {
			return
		}
	}
	t.Errorf("%s: link to %s: there is no such heading", file, to)
}

// TestReadmeIsShort: what does not help in the first ten minutes is in a page of its own.
func TestReadmeIsShort(t *testing.T) {
	if n := strings.Count(string(fixture.ReadFile(t, filepath.Join(repository, "README.md"))), "\n"); n >= 200 {
		t.Errorf("README.md has %d lines", n)
	}
}
