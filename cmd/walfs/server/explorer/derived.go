package explorer

import (
	"sync"

	"github.com/walfs/walfs/cmd/walfs/server/replica"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/payload"
)

// derived is what pages have found out about a replica, and need not find out for each request
// again.
type derived struct {
	bytes   histogram
	history groupHistory

	once sync.Once
	is   payload.App
}

// derived finds what is kept of a replica.
func (x *explorer) derived(r *replica.Replica) *derived {
	x.mu.Lock()
	defer x.mu.Unlock()
	d := x.kept[r]
	if d == nil {
		d = &derived{}
		x.kept[r] = d
	}
	return d
}

// app is whose log of Dgraph's it is. That may take a look at entries, and does not change.
func (d *derived) app(log walcore.Log) payload.App {
	d.once.Do(func() { d.is = payload.AppOf(log) })
	return d.is
}
