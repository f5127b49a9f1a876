package walcore

import (
	"os"
	"testing"
	"time"
)

func TestTry(t *testing.T) {
	ents, _ := os.ReadDir("/tmp/fx")
	for _, d := range ents {
		var opts ReaderOptions
		switch d.Name() {
		case "sealed128", "sealed-rekeyed", "sealed-erased":
			opts.Key = []byte("0123456789abcdef")
		case "sealed256", "alpha-encrypted":
			opts.Key = []byte("0123456789abcdef0123456789abcdef")
		}
		t0 := time.Now()
		r, err := OpenReader("/tmp/fx/"+d.Name(), opts)
		if err != nil {
			t.Error(d.Name(), err)
			continue
		}
		t1 := time.Now()
		n, b, bad := 0, 0, 0
		for e := range r.Log().Entries(0) {
			n++
			p, err := e.Data()
			if err != nil {
				bad++
			}
			b += len(p)
		}
		fi, _ := r.FirstIndex()
		la, _ := r.LastIndex()
		t.Log(d.Name(), n, b, bad, fi, la, r.Problems(), t1.Sub(t0), time.Since(t1))
	}
}
