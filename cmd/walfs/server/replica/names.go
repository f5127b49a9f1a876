package replica

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// names gives each directory the name that addresses have for it: its base name, and where
// two are alike, the names of folders above it in front, as in node1-w. Where that does not
// tell them apart, they get numbers.
func names(dirs []string) []string {
	parts := make([]int, len(dirs)) // how many of a path's last parts are in the name
	list := make([]string, len(dirs))
	for grown := true; grown; {
		grown = false
		for i, dir := range dirs {
			parts[i] = max(parts[i], 1)
			list[i] = lastParts(dir, parts[i])
		}
		for i, name := range slices.Clone(list) {
			if count(list, name) > 1 && lastParts(dirs[i], parts[i]+1) != name {
				parts[i]++
				grown = true
			}
		}
	}
	for i, name := range list {
		for n := 2; slices.Contains(list[:i], list[i]); n++ {
			list[i] = fmt.Sprintf("%s-%d", name, n)
		}
	}
	return list
}

func count(list []string, name string) (n int) {
	for _, other := range list {
		if other == name {
			n++
		}
	}
	return n
}

// lastParts joins the last n parts of an absolute path, or all if it has no more.
func lastParts(dir string, n int) string {
	all := strings.FieldsFunc(filepath.ToSlash(dir), func(r rune) bool { return r == '/' })
	name := plain(strings.Join(all[max(len(all)-n, 0):], "-"))
	if strings.Trim(name, ".") == "" { // an address cannot have . and ..
		return "root" + name
	}
	return name
}

// plain is a name of which nobody has to ask what is in it.
func plain(name string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) || strings.ContainsRune(`\/:?#%"'<>&{}`, r) {
			return '_'
		}
		return r
	}, name)
}
