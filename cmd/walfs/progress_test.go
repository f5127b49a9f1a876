package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/walfs/walfs/test/fixture"
)

// TestProgress: short work shows nothing, long work a line that is written over and at
// last taken away, and nobody sees anything where there is no terminal.
func TestProgress(t *testing.T) {
	var out strings.Builder
	clock := time.Unix(1e9, 0)
	p := &progress{out: &out, what: "copying", now: func() time.Time { return clock }, next: clock.Add(progressDelay)}
	step := func(d time.Duration, done int64, want string) {
		t.Helper()
		clock = clock.Add(d)
		out.Reset()
		p.at(done, 3<<20)
		if out.String() != want {
			t.Errorf("%q, want %q", out.String(), want)
		}
	}
	p.end()
	step(progressDelay-1, 1<<20, "")
	step(1, 1<<20, "\r\x1b[Kwalfs: copying: 33 % of 3.0 MiB")
	step(progressStep-1, 2<<20, "")
	step(1, 3<<20, "\r\x1b[Kwalfs: copying: 100 % of 3.0 MiB")
	out.Reset()
	p.end()
	p.end()
	if out.String() != "\r\x1b[K" {
		t.Errorf("at the end %q", out.String())
	}
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	fixture.Must(t, err)
	defer null.Close()
	hidden := progressOn(null, "copying")
	hidden.next = time.Time{}
	if hidden.at(1, 2); hidden.out != nil || hidden.shown {
		t.Error("it shows progress without a terminal")
	}
}

func TestSizeText(t *testing.T) {
	for n, want := range map[int64]string{0: "0 bytes", 1023: "1023 bytes", 1 << 10: "1.0 KiB", 3 << 29: "1.5 GiB", 1 << 60: "1048576.0 TiB"} {
		if got := sizeText(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}
