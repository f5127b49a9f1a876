package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/walfs/walfs/cmd/walfs/server/replica"
)

const (
	// It takes at least so long from one event to the next, and if it is costly to say how a
	// replica is, as of a log of millions of entries, ten times as long as that took: whoever
	// hears of a change asks. A busy node has some sixteen changes in a second.
	minEventPause = 250 * time.Millisecond
	maxEventPause = 4 * time.Second
	costFactor    = 10
	// mostStreams leaves connections to those who ask for something else.
	mostStreams = 256
	// stillThere is how often an idle stream is written to, so that nothing on the way takes
	// it for dead, and that a client that is gone is noticed.
	stillThere = 15 * time.Second
)

// change is the data of an event: a replica as it is now. What is not known is null.
type change struct {
	Name        string  `json:"name"`
	Version     uint64  `json:"version"` // grows with each change
	FirstIndex  *uint64 `json:"first_index"`
	LastIndex   *uint64 `json:"last_index"`
	CommitIndex *uint64 `json:"commit_index"`
	Term        *uint64 `json:"term"`
	Counted     *uint64 `json:"counted"` // payloads are counted up to this index
}

func changeOf(r *replica.Replica, version uint64) change {
	m := r.Now()
	c := change{Name: r.Name, Version: version}
	if first, ok := m.Log.FirstIndex(); ok {
		c.FirstIndex = &first
	}
	if last, ok := m.Log.LastIndex(); ok {
		c.LastIndex = &last
	}
	switch meta := m.Log.Meta(); {
	case meta.HardState != nil:
		c.CommitIndex, c.Term = &meta.HardState.Commit, &meta.HardState.Term
	case meta.Stable != nil:
		c.Term = &meta.Stable.CurrentTerm
	}
	if t := r.Tally(); t != nil {
		c.Counted = &t.Through
	}
	return c
}

// events tells of each replica how it is, and again whenever that changes, until the client
// or the server ends it. Many changes in a short time are one event: a client that reads
// slowly misses some, and holds nothing.
func (a *api) events(w http.ResponseWriter, r *http.Request) {
	defer a.streams.Add(-1)
	if a.streams.Add(1) > mostStreams {
		fail(w, replica.ErrBusy)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // for nginx, if it stands in between
	control := http.NewResponseController(w)
	told := map[string]uint64{}
	for {
		next := a.set.Next()
		for _, of := range a.set.Replicas {
			version := of.Version()
			if was, ok := told[of.Name]; ok && was == version {
				continue
			}
			told[of.Name] = version
			data, _ := json.Marshal(changeOf(of, version))
			if _, err := fmt.Fprintf(w, "event: change\ndata: %s\n\n", data); err != nil {
				return
			}
		}
		if control.Flush() != nil {
			return
		}
		select {
		case <-time.After(a.nextEvent(time.Now())):
		case <-r.Context().Done():
			return
		}
		for idle := true; idle; {
			alive := time.NewTimer(stillThere)
			select {
			case <-next:
				idle = false
			case <-r.Context().Done():
				return
			case <-alive.C:
				if _, err := fmt.Fprint(w, ": still there\n\n"); err != nil || control.Flush() != nil {
					return
				}
			}
			alive.Stop()
		}
	}
}

// nextEvent is how long to wait for the next event. All clients get theirs at one time, so that
// they ask about one moment, which is looked into once.
func (a *api) nextEvent(now time.Time) time.Duration {
	pause := minEventPause
	for _, r := range a.set.Replicas {
		for pause < costFactor*r.Cost() && pause < maxEventPause {
			pause *= 2
		}
	}
	return now.Truncate(pause).Add(pause).Sub(now)
}
