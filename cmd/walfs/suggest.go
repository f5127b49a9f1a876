package main

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/walfs/walfs/fsview"
)

// wrongValue is the error for a value that is none of those that there are.
func wrongValue(what, value string, names []string) error {
	return usageError(fmt.Sprintf("%s %s: want %s%s", what, quoted(value), oneOf(names), didYouMean(value, names)))
}

// oneOf is names with commas and an "or".
func oneOf(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// didYouMean is what an error says of a name that is close to one that there is.
func didYouMean(typed string, names []string) string {
	if near := nearest(typed, names); near != "" {
		return "; did you mean " + near + "?"
	}
	return ""
}

// nearest is the name that is closest to what was typed, "" if none is close. The last
// part of a name may stand for all of it: commit for hard_state.commit.
func nearest(typed string, names []string) string {
	limit := 2
	if len(typed) < 4 {
		limit = 1
	}
	found, best := "", limit+1
	for _, name := range names {
		d := distance(typed, name)
		if i := strings.LastIndexAny(name, "./"); i >= 0 {
			d = min(d, distance(typed, name[i+1:])+1)
		}
		if len(typed) > 2 && strings.HasPrefix(name, typed) {
			d = min(d, limit)
		}
		if d < best {
			found, best = name, d
		}
	}
	return found
}

// distance counts the letters to add, drop, change, or swap with the next one, to make
// b of a. Capital letters are the same as small ones.
func distance(a, b string) int {
	a, b = strings.ToLower(a), strings.ToLower(b)
	width := len(b) + 1
	d := make([]int, (len(a)+1)*width)
	at := func(i, j int) *int { return &d[i*width+j] }
	for i := range len(a) + 1 {
		for j := range len(b) + 1 {
			if i == 0 || j == 0 {
				*at(i, j) = i + j
				continue
			}
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			n := min(*at(i-1, j)+1, *at(i, j-1)+1, *at(i-1, j-1)+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				n = min(n, *at(i-2, j-2)+1)
			}
			*at(i, j) = n
		}
	}
	return d[len(d)-1]
}

// noPath is the error for a path that is not in the tree.
func noPath(tree *fsview.Tree, typed string) error {
	const what = "no such file or folder"
	if near := nearPath(tree, treePath(typed)); near != "" {
		return fmt.Errorf("%s; did you mean %s?", what, near)
	}
	return errors.New(what + "; walfs ls DIR shows what there is")
}

// nearPath is a path that there is, with names that are close to those of the one that
// there is not; "" if no such path is found.
func nearPath(tree *fsview.Tree, wrong string) string {
	at := "."
	for _, name := range strings.Split(wrong, "/") {
		if _, err := tree.Stat(path.Join(at, name)); err != nil {
			if name = nearest(name, namesNear(tree, at)); name == "" {
				return ""
			}
		}
		at = path.Join(at, name)
	}
	if _, err := tree.Stat(at); err != nil {
		return ""
	}
	return at
}

// namesNear are the names in a folder, and those in its folders: meta/commit stands for
// meta/hard_state/commit. Entries and terms are not among them: a number that is close to
// another means something else.
func namesNear(tree *fsview.Tree, folder string) []string {
	var names []string
	list := func(folder, prefix string) (folders []string) {
		if top, below, _ := strings.Cut(folder, "/"); slices.Contains([]string{"entries", "decoded", "replaced", "terms"}, top) ||
			below != "" && slices.Contains([]string{"types", "files"}, top) {
			return nil
		}
		entries, err := tree.ReadDir(folder)
		if err != nil {
			return nil
		}
		for _, e := range entries {
			names = append(names, prefix+e.Name())
			if e.IsDir() {
				folders = append(folders, e.Name())
			}
		}
		return folders
	}
	for _, name := range list(folder, "") {
		list(path.Join(folder, name), name+"/")
	}
	return names
}
