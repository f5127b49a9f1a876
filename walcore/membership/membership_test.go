package membership

import (
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
)

func TestReplay(t *testing.T) {
	for _, name := range fixture.All(t) {
		t.Run(name, func(t *testing.T) {
			r, err := walcore.OpenReader(fixture.Dir(t, name), walcore.ReaderOptions{Key: fixture.Key(name)})
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			m, err := Replay(r)
			t.Log(m, err)
		})
	}
}
