// Package wording has the parts that texts for people are made of wherever they name
// something: names as they can be shown, lists of them, and the one that was meant.
//
//	return fmt.Errorf("--format %s: want %s%s", wording.Quoted(typed), wording.OneOf(names), wording.DidYouMean(typed, names))
package wording

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Quoted is a name as people can be shown it. In quotes is one that is empty, could control
// a terminal, or has a tab, which would be a column.
func Quoted(name string) string {
	if name == "" || !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(name)
	}
	return name
}

// OneOf is names with commas and an "or".
func OneOf(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}
