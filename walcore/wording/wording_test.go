package wording

import "testing"

// TestNearest: one mistake in a short name, two in a longer one.
func TestNearest(t *testing.T) {
	names := []string{"json", "raw", "table", "entries", "hard_state.commit", "key-file", "no"}
	for typed, want := range map[string]string{
		"jsn": "json", "JSON": "json", "jason": "json", "rwa": "raw", "rw": "raw", "ra": "raw", "x": "",
		"entires": "entries", "enrtise": "entries", "nxtrxes": "", "commit": "hard_state.commit", "comit": "hard_state.commit",
		"key": "key-file", "keyfile": "key-file", "": "", "tables and more": "",
	} {
		if got := Nearest(typed, names); got != want {
			t.Errorf("%s: %q, want %q", typed, got, want)
		}
	}
	for pair, want := range map[[2]string]int{{"", ""}: 0, {"", "ab"}: 2, {"ab", ""}: 2, {"ab", "ba"}: 1, {"abc", "axc"}: 1, {"abcd", "acbd"}: 1,
		{"kitten", "sitting"}: 3} {
		if got := distance(pair[0], pair[1]); got != want {
			t.Errorf("%q: %d, want %d", pair, got, want)
		}
	}
}

func TestTexts(t *testing.T) {
	for name, want := range map[string]string{"0-name": "0-name", "two words": "two words", "": `""`, "a\tb": `"a\tb"`, "\x1b[2J": `"\x1b[2J"`, "\xff": `"\xff"`} {
		if got := Quoted(name); got != want {
			t.Errorf("%q: %s, want %s", name, got, want)
		}
	}
	for want, names := range map[string][]string{"": nil, "a": {"a"}, "a or b": {"a", "b"}, "a, b or c": {"a", "b", "c"}} {
		if got := OneOf(names); got != want {
			t.Errorf("%v: %s, want %s", names, got, want)
		}
	}
}
