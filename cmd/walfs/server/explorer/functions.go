package explorer

import (
	"fmt"
	"html/template"
	"net/url"
	"time"

	"github.com/walfs/walfs/cmd/walfs/terminal"
	"github.com/walfs/walfs/walcore/status"
)

// functions are what templates can call.
var functions = template.FuncMap{
	"num":     num,    // 1,234,567
	"bytes":   size,   // 1.2 MiB
	"time":    stamp,  // RFC 3339, in UTC
	"link":    link,   // link NAME "entries" "from" 42
	"static":  static, // static "style.css"
	"term":    termClass,
	"plural":  plural, // plural 2 "entry" "entries"
	"noIndex": func(n *uint64) bool { return *n == 0 },
	"before":  func(n uint64) uint64 { return n - 1 },
}

// num is a whole number with commas.
func num(n any) (string, error) {
	whole, err := whole(n)
	return status.Grouped(whole), err
}

// size is a number of bytes as people read it. The exact one goes into a title.
func size(n any) (string, error) {
	whole, err := whole(n)
	return terminal.Rounded(whole), err
}

// whole is a number that a template has. None of a page is below 0.
func whole(n any) (uint64, error) {
	switch n := n.(type) {
	case uint64:
		return n, nil
	case *uint64:
		return *n, nil
	case int:
		return uint64(n), nil
	case *int:
		return uint64(*n), nil
	case int64:
		return uint64(n), nil
	}
	return 0, fmt.Errorf("a %T is no number for a page", n)
}

// stamp is a time as pages show it.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// link is the address of a page of a replica, the overview's name being "". Pairs of a
// parameter's name and value follow.
func link(name, page string, pairs ...any) string {
	address := "/log/" + url.PathEscape(name) + "/" + page
	values := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		values.Add(fmt.Sprint(pairs[i]), fmt.Sprint(pairs[i+1]))
	}
	if len(values) > 0 {
		address += "?" + values.Encode()
	}
	return address
}

// termColours is how many colours style.css has for terms.
const termColours = 8

// termClass is the class that gives a term its colour, on all pages the same.
func termClass(term uint64) string { return fmt.Sprintf("term%d", term%termColours) }

// plural is a number with its noun.
func plural(n any, one, many string) (string, error) {
	text, err := num(n)
	if text == "1" {
		return text + " " + one, err
	}
	return text + " " + many, err
}
