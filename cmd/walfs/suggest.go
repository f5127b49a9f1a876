package main

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/walfs/walfs/fsview"
	"github.com/walfs/walfs/walcore/wording"
)

// wrongValue is the error for a value that is none of those that there are.
func wrongValue(what, value string, names []string) error {
	return usageError(fmt.Sprintf("%s %s: want %s%s", what, quoted(value), wording.OneOf(names), wording.DidYouMean(value, names)))
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
			if name = wording.Nearest(name, namesNear(tree, at)); name == "" {
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
