package fusefs

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/test/raftdir"
)

// BenchmarkVisible is the time from an append until a program that waits for
// the entry's file has seen it.
func BenchmarkVisible(b *testing.B) {
	for _, files := range []int{1, 34} {
		b.Run(fmt.Sprintf("files=%d", files), func(b *testing.B) {
			w := raftdir.Create(filepath.Join(b.TempDir(), "w"), raftdir.Options{})
			b.Cleanup(w.Close)
			const full = 30_000 // entries in a file
			w.Append((files-1)*full + full/2)
			w.CommitTo(w.Last)
			l := serveLive(b, w, nil)
			for b.Loop() {
				path := "entries/" + entryName(w.Last+1)
				// A name of nothing is what the kernel then knows it for.
				l.see(look{"stat", path})
				w.Append(1)
				if said := l.see(look{"wait", path}); said != "" {
					b.Fatal(said)
				}
			}
		})
	}
}
