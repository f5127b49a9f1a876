package main

import (
	"bytes"
	"fmt"
	"iter"
	"path"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/walfs/walfs/fsview"
	"github.com/walfs/walfs/walcore"
)

// treePaths completes paths of the tree, a name at a time, as a shell does.
func treePaths(_ *cobra.Command, args []string, toComplete string) ([]cobra.Completion, cobra.ShellCompDirective) {
	folder, begun := path.Split(toComplete)
	directive := cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
	choices := ofLog(args, func(log walcore.Log) []cobra.Completion { return namesBelow(log, treePath(folder), begun) })
	for i, name := range choices {
		if strings.HasSuffix(name, "/") {
			directive |= cobra.ShellCompDirectiveNoSpace // its names come next
		}
		choices[i] = folder + name
	}
	return choices, directive
}

// namesBelow are the names in a folder of the tree that begin with what was typed;
// those of folders end with a slash.
func namesBelow(log walcore.Log, folder, begun string) []string {
	if indexes, suffix, ok := entriesIn(log, folder); ok {
		names := numberNames(indexes, suffix, begun)
		return withLast(thin(names, begun), names)
	}
	if folder == "terms" {
		return thin(numberNames(terms(log), "/", begun), begun)
	}
	var names []string
	list, err := fsview.New(log, nil).ReadDir(folder)
	if err != nil {
		return nil
	}
	for _, e := range list {
		name := e.Name()
		if e.IsDir() || folder == "snapshots" { // latest leads to a folder
			name += "/"
		}
		if strings.HasPrefix(name, begun) {
			names = append(names, name)
		}
	}
	return thin(names, begun)
}

// numberNames are the names of entries or terms that begin with what was typed: in the
// short form, unless that is the beginning of the long one. A log has millions, so that
// names that are not wanted take no memory.
func numberNames(all iter.Seq[uint64], suffix, begun string) []string {
	var names []string
	var b []byte
	for n := range all {
		if strings.HasPrefix(begun, "0") {
			b = fmt.Appendf(b[:0], "%020d", n)
		} else {
			b = strconv.AppendUint(b[:0], n, 10)
		}
		if b = append(b, suffix...); bytes.HasPrefix(b, []byte(begun)) {
			names = append(names, string(b))
		}
	}
	return names
}

func terms(log walcore.Log) iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		for _, span := range log.Terms() {
			if !yield(span.Term) {
				return
			}
		}
	}
}

// entriesIn gives the indexes of which a folder has files, and what follows them in the
// names; ok is false of a folder that is none of entries. To list the tree's own names
// would take payloads to be read, of the whole log.
func entriesIn(log walcore.Log, folder string) (indexes iter.Seq[uint64], suffix string, ok bool) {
	top, name, _ := strings.Cut(folder, "/")
	belongs := func(walcore.Entry) bool { return true }
	switch {
	case folder == "entries":
	case folder == "decoded":
		suffix = ".json"
	case top == "terms" && name != "":
		term, err := strconv.ParseUint(name, 10, 64)
		belongs = func(e walcore.Entry) bool { return err == nil && e.Term == term }
	case top == "types" && name != "":
		t, known := log.Meta().System.FindType(name)
		belongs = func(e walcore.Entry) bool { return known && e.Type == t }
	case top == "files" && name != "":
		belongs = func(e walcore.Entry) bool { return e.File.Name == name }
	default:
		return nil, "", false
	}
	all := log.Entries
	if f, follows := log.(walcore.Follower); follows {
		all = f.Outline
	}
	return func(yield func(uint64) bool) {
		for e := range all(0) {
			if belongs(e) && !yield(e.Index) {
				return
			}
		}
	}, suffix, true
}

// maxChoices is how many choices a shell is given at most. It asks before it shows more.
const maxChoices = 100

// thin leaves of too many names one for each next letter. Since all of these stay, what
// a shell types by itself is what all names begin with.
func thin(names []string, begun string) []string {
	if len(names) <= maxChoices {
		return names
	}
	for n := len(begun); ; n++ { // all names have the same first n letters
		var firsts []string
		var seen [256]bool
		for _, name := range names {
			switch {
			case len(name) == n:
				firsts = append(firsts, name)
			case !seen[name[n]]:
				seen[name[n]] = true
				firsts = append(firsts, name)
			}
		}
		if len(firsts) > 1 {
			return firsts
		}
	}
}

// withLast adds the last of all names to some of them: the newest entry is often wanted.
func withLast(some, all []string) []string {
	if len(all) > 0 && some[len(some)-1] != all[len(all)-1] {
		some = append(some, all[len(all)-1])
	}
	return some
}
