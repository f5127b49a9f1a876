//go:build linux

package mutate

import (
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/test/fixture"
)

// FuzzMutants combines damages: each is two bytes, a kind and what it leaves to chance.
func FuzzMutants(f *testing.F) {
	bases, kinds := Bases(f), Kinds()
	if len(bases) == 0 {
		f.Fatal("no bases")
	}
	benches, root := make([]*Bench, len(bases)), f.TempDir()
	for i := range bases {
		f.Add(uint8(i), []byte{byte(7 * i), 1})
		f.Add(uint8(i), []byte{byte(11 * i), 2, byte(13 * i), 3, byte(17 * i), 4})
	}
	f.Fuzz(func(t *testing.T, which uint8, damages []byte) {
		i := int(which) % len(bases)
		if benches[i] == nil {
			var err error
			benches[i], err = NewBench(bases[i], filepath.Join(root, bases[i].Name))
			fixture.Must(t, err)
		}
		var edits []Edit
		for k := 0; k+1 < len(damages) && k < 16; k += 2 {
			kind := kinds[int(damages[k])%len(kinds)]
			for _, e := range kind.edits(bases[i], rand.New(rand.NewPCG(1, uint64(damages[k+1])))) {
				if e.Op == opWrite { // files that are cut or gone cannot be written to
					edits = append(edits, e)
				}
			}
		}
		o, err := benches[i].make(edits, false)
		fixture.Must(t, err)
		if o == nil {
			return
		}
		for _, failure := range o.findings {
			if o.reported && (failure.what == failWrong || failure.what == failServed) {
				// One damage can take away what would have told of another: then an entry may
				// be wrong, as long as something is reported. TestMutants makes one at a time.
				continue
			}
			t.Errorf("%s", example(Recipe{Base: bases[i].Name}, edits, o, failure))
		}
	})
}
