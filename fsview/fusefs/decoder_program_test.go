//go:build linux

package fusefs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/walfs/walfs/fsview"
	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore/dgraph"
	"github.com/walfs/walfs/walcore/payload"
)

// TestProgramRecovers: what a program was not asked while it hung, it is asked when it is
// well again, whatever the kernel has cached.
func TestProgramRecovers(t *testing.T) {
	well := filepath.Join(t.TempDir(), "well")
	p := payload.NewProgram(`[ -e ` + well + ` ] || sleep 60; while read -r l; do echo "OK|$l"; done`)
	p.Timeout = 10 * time.Millisecond
	t.Cleanup(func() { p.Close() })
	at, _ := serveDecoded(t, fixture.Dir(t, "zero"), nil, p)
	const look = `cd "$1/decoded" && for i in $(seq $2 $3); do stat -c %s $i.json; cat $i.json; done`
	if out := sh(t, look, at, "1", "8"); strings.Count(out, "not asked") != 5 || strings.Count(out, "no answer in time") != 3 {
		t.Fatalf("while it hangs: %s", out)
	}
	if err := os.WriteFile(well, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p.Close() // ends the pause
	p.Timeout = time.Minute
	p.Close() // lets the server's goroutines know
	if out := sh(t, look, at, "4", "12"); strings.Count(out, `"status": "OK"`) != 9 {
		t.Errorf("after it has recovered: %s", out)
	}
}

// TestReadAheadOfDecoded: a program is asked about what somebody reads, and about nothing
// else.
func TestReadAheadOfDecoded(t *testing.T) {
	r, err := dgraph.OpenReader(fixture.Dir(t, "zero"), dgraph.ReaderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p := payload.NewProgram(`while read -r l; do echo "OK|$l"; done`)
	defer p.Close()
	for _, test := range []struct {
		decoder payload.Decoder
		folder  string
		want    int
	}{{nil, "decoded", 1}, {p, "decoded", 0}, {p, "entries", 1}} {
		tree := fsview.New(r, test.decoder)
		folder, err := tree.Lookup(fsview.Root, test.folder)
		if err != nil {
			t.Fatal(err)
		}
		a := &readAhead{entries: tree}
		a.orders.L = &a.mu
		if err := tree.List(folder, 0, func(d fsview.Dirent) bool {
			a.noteRead(d.Node)
			return d.Cookie < 3 // the first is of another term
		}); err != nil {
			t.Fatal(err)
		}
		got := 0
		for _, w := range a.walks {
			got += w.ordered
		}
		if got != test.want {
			t.Errorf("%s by %T: %d batches, want %d", test.folder, test.decoder, got, test.want)
		}
	}
}
