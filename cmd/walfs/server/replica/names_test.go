package replica

import (
	"slices"
	"testing"
)

func TestNames(t *testing.T) {
	for _, test := range []struct {
		dirs, want []string
	}{
		{[]string{"/var/lib/dgraph/w"}, []string{"w"}},
		{[]string{"/a/node1/w", "/a/node2/w", "/a/node3/zw"}, []string{"node1-w", "node2-w", "zw"}},
		{[]string{"/a/x/w", "/b/x/w", "/b/y/w"}, []string{"a-x-w", "b-x-w", "y-w"}},
		{[]string{"/w", "/a/w"}, []string{"w", "a-w"}},
		{[]string{"/a/w", "/a/w", "/a/w"}, []string{"a-w", "a-w-2", "a-w-3"}},
		{[]string{"/a-b/w", "/a/b-w", "/a/w"}, []string{"a-b-w", "b-w", "a-w"}},
		{[]string{"/", "/.."}, []string{"root", "root.."}},
		{[]string{"/x/a b", "/x/{n}", "/x/<b>", "/x/a\xff\n"}, []string{"a b", "_n_", "_b_", "a__"}},
	} {
		if got := names(test.dirs); !slices.Equal(got, test.want) {
			t.Errorf("%q: %q, want %q", test.dirs, got, test.want)
		}
	}
}
