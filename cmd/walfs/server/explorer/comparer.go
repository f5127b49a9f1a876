package explorer

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/walfs/walfs/cmd/walfs/server/replica"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/diff"
)

// comparer compares logs in the background: all of a log is read for that. It keeps the newest
// report of some sets of logs, and makes one at a time.
type comparer struct {
	ctx  context.Context // comparing ends with it
	turn chan struct{}   // for who compares

	mu   sync.Mutex // protects list
	list []*comparison
}

func newComparer(ctx context.Context) *comparer {
	return &comparer{ctx: ctx, turn: make(chan struct{}, 1)}
}

// maxComparisons is of how many sets of logs the comparer keeps a report.
const maxComparisons = 8

// comparison is of one set of logs.
type comparison struct {
	key         string
	done, total atomic.Int64 // bytes of the one that runs

	mu      sync.Mutex // protects what follows
	running bool
	end     chan struct{} // closed when the one that runs has ended
	report  *diff.Report
	of      []*replica.Moment // whose report it is
	ended   time.Time
	took    time.Duration
}

// compared is what is known of a comparison.
type compared struct {
	Report      *diff.Report      // nil: there is none yet
	Of          []*replica.Moment // whose it is
	Outdated    bool              // the logs have changed since
	Running     bool
	Done, Total int64 // bytes
}

// soon is how long a request waits for a report, so that small logs need no second one.
const soon = 150 * time.Millisecond

// of gives what is known of how logs differ, and sees to it that more will be. It fails with
// replica.ErrBusy if too many others are waited for.
func (c *comparer) of(ctx context.Context, moments []*replica.Moment) (compared, error) {
	names := make([]string, len(moments))
	for i, now := range moments {
		names[i] = now.Replica.Name
	}
	x := c.find(strings.Join(names, "/")) // no name has one
	if x == nil {
		return compared{}, replica.ErrBusy
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	outdated := !slices.Equal(x.of, moments)
	if !x.running && outdated && x.isDue() {
		x.running, x.end = true, make(chan struct{})
		x.done.Store(0)
		x.total.Store(0)
		go c.compare(x, moments)
	}
	if x.running {
		x.waitSoon(ctx)
		outdated = !slices.Equal(x.of, moments)
	}
	return compared{x.report, x.of, outdated && x.report != nil, x.running, x.done.Load(), x.total.Load()}, nil
}

// waitSoon waits until the comparison has ended, but not long. It gives up the lock meanwhile.
func (x *comparison) waitSoon(ctx context.Context) {
	end := x.end
	x.mu.Unlock()
	defer x.mu.Lock()
	select {
	case <-end:
	case <-time.After(soon):
	case <-ctx.Done():
	}
}

// isDue reports whether it is time for another report. Logs that never stop growing are not to
// be compared all the time.
func (x *comparison) isDue() bool {
	return x.report == nil || time.Since(x.ended) > max(5*time.Second, 10*x.took)
}

// find finds a comparison or makes it, in the place of one that was not asked for longest. It
// is nil where all are running.
func (c *comparer) find(key string) *comparison {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.list, func(x *comparison) bool { return x.key == key })
	if i < 0 && len(c.list) == maxComparisons {
		j := slices.IndexFunc(c.list, func(x *comparison) bool {
			x.mu.Lock()
			defer x.mu.Unlock()
			return !x.running
		})
		if j < 0 {
			return nil
		}
		c.list = slices.Delete(c.list, j, j+1)
	}
	x := &comparison{key: key}
	if i >= 0 {
		x = c.list[i]
		c.list = slices.Delete(c.list, i, i+1)
	}
	c.list = append(c.list, x)
	return x
}

func (c *comparer) compare(x *comparison, moments []*replica.Moment) {
	report, took := c.report(x, moments)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.running = false
	close(x.end)
	if report != nil {
		x.report, x.of, x.ended, x.took = report, moments, time.Now(), took
	}
}

// report is nil if the server has ended.
func (c *comparer) report(x *comparison, moments []*replica.Moment) (*diff.Report, time.Duration) {
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-c.ctx.Done():
		return nil, 0
	}
	logs := make([]walcore.Log, len(moments))
	for i, now := range moments {
		logs[i] = now.Log
	}
	begun := time.Now()
	report, err := diff.Compare(c.ctx, logs, func(done, total int64) {
		x.done.Store(done)
		x.total.Store(total)
	})
	if err != nil {
		return nil, 0
	}
	for _, d := range []*diff.Difference{report.Parted, report.Broken} {
		if d != nil { // a page reads the entries it shows; a report does not hold payloads
			for i := range d.Entries {
				d.Entries[i].Data = nil
			}
		}
	}
	return report, time.Since(begun)
}
