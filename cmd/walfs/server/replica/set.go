package replica

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"time"
)

// Set is the replicas that one server shows.
type Set struct {
	Replicas []*Replica // in the order in which they were given

	decoding  places // for who decodes
	searching places // for who searches: decodes one entry after the other
	sending   places // for who holds a large answer

	mu   sync.Mutex // protects next
	next chan struct{}
}

// NewSet makes a set of directories.
func NewSet(dirs ...Directory) *Set {
	paths := make([]string, len(dirs))
	for i, dir := range dirs {
		paths[i] = dir.Path
	}
	s := &Set{next: make(chan struct{}), decoding: make(places, runtime.GOMAXPROCS(0)+1), searching: make(places, runtime.GOMAXPROCS(0)), sending: make(places, maxSending)}
	for i, name := range names(paths) {
		s.Replicas = append(s.Replicas, &Replica{Name: name, Dir: paths[i], Live: dirs[i].Live})
	}
	return s
}

// Find is the replica with a name, or nil.
func (s *Set) Find(name string) *Replica {
	for _, r := range s.Replicas {
		if r.Name == name {
			return r
		}
	}
	return nil
}

// Run keeps up to date what is counted of the replicas until ctx ends. Their trees follow
// their directories by somebody else's doing.
func (s *Set) Run(ctx context.Context) {
	var wait sync.WaitGroup
	defer wait.Wait()
	for _, r := range s.Replicas {
		changed := func() {
			r.version.Add(1)
			s.tell()
		}
		wait.Go(func() { r.watch(ctx, changed) })
		wait.Go(func() { r.count(ctx, changed) })
	}
}

// Next is closed when a replica's Version has grown. Who wants to miss none asks for Next
// first and for the versions afterwards.
func (s *Set) Next() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.next
}

func (s *Set) tell() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.next)
	s.next = make(chan struct{})
}

// ErrBusy: as many requests as may do something costly at a time do so, and none of them has
// come to an end for a while.
var ErrBusy = errors.New("busy with other requests; try again later")

const (
	// placeWait is how long a request waits for others.
	placeWait = 10 * time.Second
	// maxSending is how many answers that may have some megabytes are in memory at a time.
	maxSending = 32
)

// places are what as many have at a time as there is room for.
type places chan struct{}

// take waits for a place, and gives a function that gives it back.
func (p places) take(ctx context.Context) (release func(), err error) {
	select {
	case p <- struct{}{}:
		return func() { <-p }, nil
	default:
	}
	timer := time.NewTimer(placeWait)
	defer timer.Stop()
	select {
	case p <- struct{}{}:
		return func() { <-p }, nil
	case <-timer.C:
		return nil, ErrBusy
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// do calls fn with a place.
func (p places) do(ctx context.Context, fn func() error) error {
	release, err := p.take(ctx)
	if err != nil {
		return err
	}
	defer release()
	return fn()
}

// Decode waits until the caller may decode: whoever decodes holds an entry and its text in
// memory. Its answer goes to the client after release, however slow that reads.
func (s *Set) Decode(ctx context.Context) (release func(), err error) { return s.decoding.take(ctx) }

// Decoding calls fn when the caller may decode, until it returns or panics.
func (s *Set) Decoding(ctx context.Context, fn func() error) error { return s.decoding.do(ctx, fn) }

// Searching is Decoding for those who go through entries and may find nothing for long. They
// wait for each other, and nobody else for them.
func (s *Set) Searching(ctx context.Context, fn func() error) error { return s.searching.do(ctx, fn) }

// Send waits until the caller may make an answer that may be large, and hold it while it is
// written to a client that may read slowly.
func (s *Set) Send(ctx context.Context) (release func(), err error) { return s.sending.take(ctx) }
