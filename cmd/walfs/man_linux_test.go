package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
	"github.com/spf13/pflag"
	"github.com/walfs/walfs/test/fixture"
)

var rewrite = flag.Bool("rewrite", false, "write the manual, and what commands print into README.md and the pages of docs")

// TestManPages: each command has a page that says what its help says. After a change of
// a command:
//
//	go test ./cmd/walfs -run TestManPages -rewrite
func TestManPages(t *testing.T) {
	want := commandPages(t)
	have, err := filepath.Glob("man/*.1")
	fixture.Must(t, err)
	for _, file := range have {
		if want[filepath.Base(file)] != nil {
			continue
		}
		if *rewrite {
			fixture.Must(t, os.Remove(file))
		} else {
			t.Errorf("%s is no command's page", file)
		}
	}
	for name, page := range want {
		file := filepath.Join("man", name)
		if *rewrite {
			fixture.WriteFile(t, file, page)
		} else if !slices.Contains(have, file) || !bytes.Equal(fixture.ReadFile(t, file), page) {
			t.Errorf("%s is not what the command's help says: go test ./cmd/walfs -run TestManPages -rewrite", file)
		}
	}
}

// TestManPagesAreSound asks mandoc, which is strict. man is what man.txtar needs.
func TestManPagesAreSound(t *testing.T) {
	for _, program := range []string{"man", "mandoc"} {
		if _, err := exec.LookPath(program); err != nil {
			skip(t, err.Error())
		}
	}
	pages, err := filepath.Glob("man/*")
	fixture.Must(t, err)
	if len(pages) < 19 {
		t.Fatalf("there is only %v", pages)
	}
	out, err := exec.CommandContext(t.Context(), "mandoc", append([]string{"-T", "lint", "-W", "warning"}, pages...)...).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestFormatsPage: walfs(5) is written by hand, and names all that there is in
// status.json, in the tree, and in a line of dump.
func TestFormatsPage(t *testing.T) {
	page := string(fixture.ReadFile(t, "man/"+formatsPage))
	dir := fixture.Dir(t, "alpha")
	var names []string
	for _, args := range [][]string{{"stat", "--json", dir}, {"dump", "--format", "json", "--decode", "--limit", "1", dir}} {
		for key := range jsonOf(t, args...) {
			names = append(names, key)
		}
	}
	for _, folder := range []string{".", "meta", "meta/hard_state", "meta/conf_state"} {
		out, err := exec.CommandContext(t.Context(), "walfs", "ls", dir, folder).Output()
		fixture.Must(t, err)
		names = append(names, strings.Fields(string(out))...)
	}
	if len(names) < 40 {
		t.Fatalf("only %v were found", names)
	}
	for _, name := range names {
		if !regexp.MustCompile(`(?m)[ /]` + regexp.QuoteMeta(name) + `(\W|$)`).MatchString(page) {
			t.Errorf("man/%s says nothing of %s", formatsPage, name)
		}
	}
}

func jsonOf(t *testing.T, args ...string) (object map[string]any) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "walfs", args...).Output()
	fixture.Must(t, err)
	fixture.Must(t, json.Unmarshal(out, &object))
	return object
}

// commandPages makes the pages of all commands, by file name. Only tests can: the program
// does not have the generator.
func commandPages(t *testing.T) map[string][]byte {
	t.Helper()
	root := newRoot(new(bool))
	root.DisableAutoGenTag = true
	root.InitDefaultCompletionCmd()
	root.InitDefaultVersionFlag()
	pages := map[string][]byte{}
	var add func(c *cobra.Command)
	add = func(c *cobra.Command) {
		for _, sub := range c.Commands() {
			if sub.IsAvailableCommand() {
				add(sub)
			}
		}
		forMan(c)
		var page bytes.Buffer
		fixture.Must(t, doc.GenMan(c, &doc.GenManHeader{Date: &time.Time{}, Source: "walfs", Manual: "walfs manual"}, &page))
		pages[strings.ReplaceAll(c.CommandPath(), " ", "-")+".1"] = fromGenerator(page.String())
	}
	add(root)
	return pages
}

// forMan prepares a command for the generator, which takes its texts for Markdown, and
// shows a flag's default where a page has the name of its value.
func forMan(c *cobra.Command) {
	c.Long = markdown(c.Long)
	c.InitDefaultHelpFlag()
	c.Flags().VisitAll(func(f *pflag.Flag) {
		name, usage := pflag.UnquoteUsage(f)
		if f.DefValue != "" && f.DefValue != "0" && f.DefValue != "false" && f.DefValue != "[]" {
			usage += " (default " + f.DefValue + ")"
		}
		f.DefValue, f.Usage, f.NoOptDefVal = name, special.ReplaceAllString(usage, `\$0`), ""
	})
}

var special = regexp.MustCompile("[\\\\`*_{}\\[\\]<>#~|&]")

// markdown escapes text, and keeps the lines of a paragraph that has columns.
func markdown(text string) string {
	paragraphs := strings.Split(text, "\n\n")
	for i, p := range paragraphs {
		if columns.MatchString(p) {
			paragraphs[i] = "```\n" + p + "\n```"
		} else {
			paragraphs[i] = special.ReplaceAllString(p, `\$0`)
		}
	}
	return strings.Join(paragraphs, "\n\n")
}

var columns = regexp.MustCompile(`(?m)^[ \t]|\S   +\S`)

// manDate is when a release last changed the pages. No build changes it.
const manDate = "2026-11-27"

var (
	options = regexp.MustCompile(`(?m)^(?:\.PP\n)?(\\fB-.*\\fP)="?(.*?)"?\n\t(.*)$`)
	seeAlso = regexp.MustCompile(`(?m)^(\.SH SEE ALSO\n.*)$`)
	hyphens = regexp.MustCompile(`(?m)^[^.\n].*-.*$`)
)

// fromGenerator makes a page of what the generator writes: dated, with options as lists,
// and without empty lines. A hyphen must be what a user can copy, not a typographer's.
func fromGenerator(page string) []byte {
	page = strings.Replace(page, `"Jan 0001"`, `"`+manDate+`"`, 1)
	page = options.ReplaceAllString(page, ".TP\n$1 \\fI$2\\fP\n$3")
	page = strings.ReplaceAll(page, ` \fI\fP`, "")
	page = strings.ReplaceAll(page, "\n.EX\n", "\n.PP\n.EX\n")
	page = strings.ReplaceAll(page, ".SH EXAMPLE\n.PP\n", ".SH EXAMPLE\n")
	page = seeAlso.ReplaceAllString(page, `$1, \fBwalfs(5)\fP`)
	page = hyphens.ReplaceAllStringFunc(page, func(line string) string {
		return strings.ReplaceAll(strings.ReplaceAll(line, `\-`, "-"), "-", `\-`)
	})
	for strings.Contains(page, "\n\n") {
		page = strings.ReplaceAll(page, "\n\n", "\n")
	}
	return []byte(page)
}
