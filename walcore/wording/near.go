package wording

import "strings"

// DidYouMean is what an error says of a name that is close to one that there is.
func DidYouMean(typed string, names []string) string {
	if near := Nearest(typed, names); near != "" {
		return "; did you mean " + near + "?"
	}
	return ""
}

// Nearest is the name that is closest to what was typed, "" if none is close. The last
// part of a name may stand for all of it: commit for hard_state.commit.
func Nearest(typed string, names []string) string {
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
