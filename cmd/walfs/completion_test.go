package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/memlog"
	"github.com/walfs/walfs/test/nativelog"
)

// TestEachArgumentIsCompleted: a new command's Use line has words for which there is a
// completion, and a flag that takes a file completes files.
func TestEachArgumentIsCompleted(t *testing.T) {
	root := newRoot(new(bool))
	for _, cmd := range root.Commands() {
		if cmd.Name() == "help" || cmd.Hidden || cmd.ValidArgs != nil {
			continue
		}
		for _, word := range argumentWords(cmd) {
			if argumentCompletion[argumentWord(word)] == nil {
				t.Errorf("%s: argumentCompletion has no %s", cmd.Use, word)
			}
		}
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if _, ok := cmd.GetFlagCompletionFunc(f.Name); !ok {
				t.Errorf("%s --%s has no completion", cmd.Name(), f.Name)
			}
		})
	}
	file := 0
	for _, cmd := range root.Commands() {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if word, _ := pflag.UnquoteUsage(f); word == "FILE" {
				file++
				complete, _ := cmd.GetFlagCompletionFunc(f.Name)
				cmd.SetContext(t.Context())
				if _, directive := complete(cmd, nil, ""); directive != cobra.ShellCompDirectiveDefault {
					t.Errorf("%s --%s: directive %d", cmd.Name(), f.Name, directive)
				}
			}
		})
	}
	if file == 0 {
		t.Error("no flag takes a file")
	}
}

// TestThin: what is left of many names has the same beginning as all of them, so that a
// shell types no letter that was not meant; and each name can be reached by typing on.
func TestThin(t *testing.T) {
	fixture.NotForRace(t)
	var long []string
	for i := range 70_000 {
		long = append(long, fmt.Sprintf("%020d", i+500))
	}
	var short []string
	for i := range 5_000 {
		short = append(short, fmt.Sprint(i+7_123))
	}
	for _, names := range [][]string{long, short, long[:101], short[:101]} {
		for _, begun := range []string{"", names[0][:1], names[0][:3]} {
			var all []string
			for _, name := range names {
				if strings.HasPrefix(name, begun) {
					all = append(all, name)
				}
			}
			some := thin(all, begun)
			if len(some) > maxChoices || common(some) != common(all) {
				t.Errorf("%d names from %q: %q begins with %q, want %q", len(all), begun, some, common(some), common(all))
			}
			for _, name := range []string{all[0], all[len(all)/2], all[len(all)-1]} {
				if !reached(all, common(all), name) {
					t.Errorf("%s cannot be reached from %q", name, begun)
				}
			}
		}
	}
}

// common is what all names begin with.
func common(names []string) string {
	first, last := slices.Min(names), slices.Max(names)
	n := 0
	for n < len(first) && n < len(last) && first[n] == last[n] {
		n++
	}
	return first[:n]
}

// reached types one letter of name after the other, and completes.
func reached(names []string, begun, name string) bool {
	for range name {
		var left []string
		for _, n := range names {
			if strings.HasPrefix(n, begun) {
				left = append(left, n)
			}
		}
		some := thin(left, begun)
		if slices.Contains(some, name) {
			return true
		}
		if begun = common(some); begun == name || !strings.HasPrefix(name, begun) {
			return begun == name
		}
		begun = name[:len(begun)+1]
	}
	return false
}

// TestCompletingAMillion: what is offered is few, and no payload is read: here none of
// them can be.
func TestCompletingAMillion(t *testing.T) {
	t.Parallel()
	fixture.NotForRace(t)
	n := fixture.Size(90_000, 1_000_000)
	dir := filepath.Join(t.TempDir(), "w")
	err := nativelog.Write(dir, nativelog.Meta{RaftID: 1, Term: 1, Commit: uint64(n)}, func(yield func(nativelog.Entry) bool) {
		for i := range uint64(n) {
			if !yield(nativelog.Entry{Term: 1, Index: i + 1, Data: []byte("some data")}) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.wal"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files { // a length of 4 GiB in the place of each
		f := fixture.Edit(t, name)
		f.Write(1<<20, []byte(strings.Repeat("\xff", 30_000*13)))
	}
	for _, begun := range []string{"entries/", "entries/8", "decoded/", "terms/1/8", "types/normal/89", "files/00002.wal/"} {
		r := walfs(t, "__complete", "cat", dir, begun)
		if got := lines(r.stdout); len(got) < 5 || len(got) > 15 || !strings.HasPrefix(got[0], begun) {
			t.Errorf("%s: %q", begun, got)
		}
	}
}

// TestCompletingAnyLog: nothing of it is for Dgraph's logs.
func TestCompletingAnyLog(t *testing.T) {
	l := memlog.Sample("w")
	for folder, want := range map[string]string{
		"entries":           "7 8 9 11 12",
		"types/log_barrier": "8",
		"terms":             "1/ 2/ 5/",
		"terms/2":           "9 11",
		"decoded":           "7.json 8.json 9.json 11.json 12.json",
		"terms/x":           "",
		"types/x":           "",
		"nothing":           "",
	} {
		if got := strings.Join(namesBelow(l, folder, ""), " "); got != want {
			t.Errorf("%s: %s, want %s", folder, got, want)
		}
	}
}
