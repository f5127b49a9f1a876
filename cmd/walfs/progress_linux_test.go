package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/walfs/walfs/test/fixture"
)

// TestProgress: short work shows nothing, long work a line, which goes away at the end and
// before anything else is printed, and nobody sees anything where there is no terminal.
func TestProgress(t *testing.T) {
	screen, tty, err := pty.Open()
	fixture.Must(t, err)
	defer screen.Close()
	defer tty.Close()
	fixture.Must(t, pty.Setsize(tty, &pty.Winsize{Rows: 24, Cols: 60}))
	defer time.AfterFunc(hangLimit, func() { tty.Close() }).Stop() // ends reads that wait in vain
	until := func(want string) {
		t.Helper()
		var got strings.Builder
		b := make([]byte, 1)
		for !strings.Contains(got.String(), want) {
			if _, err := screen.Read(b); err != nil {
				t.Fatalf("%v after %q; want %q", err, got.String(), want)
			}
			got.Write(b)
		}
		if at := strings.Count(got.String(), "\n"); at > 0 {
			t.Errorf("it goes on to another line: %q", got.String())
		}
	}
	const wiped = "\r" + "                                                           " + "\r"

	p := &progress{out: tty, what: "copying", since: time.Now().Add(time.Hour)} // short, however slow the machine
	p.at(1<<20, 3<<20)
	if p.bar != nil {
		t.Error("it shows short work")
	}
	p.since = time.Now().Add(-progressDelay)
	p.at(1<<20, 3<<20)
	until("walfs: copying: 33 % of 3.00 MiB")
	p.at(3<<20, 3<<20)
	until("walfs: copying: 100 % of 3.00 MiB")
	clearProgress() // as notef does
	until(wiped)
	p.at(3<<20, 3<<20)
	until("walfs: copying: 100 %")
	p.end()
	until(wiped)
	p.end()

	p = progressOn(tty, "opening w")
	until("walfs: opening w ")
	p.end()
	until(wiped)
	if shownProgress.Load() != nil {
		t.Error("a line is shown at the end")
	}
}

// TestProgressUnseen: what is no terminal gets nothing.
func TestProgressUnseen(t *testing.T) {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	fixture.Must(t, err)
	defer null.Close()
	p := progressOn(null, "copying")
	defer p.end()
	p.since = time.Time{}
	if p.at(1, 2); p.bar != nil || p.report() != nil {
		t.Error("it shows progress without a terminal")
	}
}
