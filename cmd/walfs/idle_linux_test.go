package main

import (
	"testing"
	"time"
)

// TestIdle: a mount is unused once nothing was asked for long enough, and nothing is being
// answered.
func TestIdle(t *testing.T) {
	var all uint64
	running := false
	i := newIdleness(func() (uint64, bool) { return all, running }, time.Minute)
	defer i.stop()
	now := i.since
	for _, step := range []struct {
		after   time.Duration
		asked   uint64
		running bool
		want    bool
	}{
		{30 * time.Second, 0, false, false},
		{30 * time.Second, 0, false, true},
		{time.Minute, 1, false, false}, // somebody has asked
		{59 * time.Second, 1, false, false},
		{time.Second, 1, true, false}, // and waits for the answer
		{time.Hour, 1, true, false},
		{59 * time.Second, 1, false, false},
		{time.Second, 1, false, true},
	} {
		now = now.Add(step.after)
		all, running = step.asked, step.running
		if got := i.lasts(now); got != step.want {
			t.Errorf("%+v: %t", step, got)
		}
	}
}
