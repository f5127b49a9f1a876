package server

import (
	"slices"

	"github.com/walfs/walfs/cmd/walfs/server/metrics"
	"github.com/walfs/walfs/cmd/walfs/server/replica"
	"github.com/walfs/walfs/walcore"
)

// measured is a set of replicas as package metrics asks for them.
type measured struct{ set *replica.Set }

func (m measured) Replicas() []metrics.Replica {
	var list []metrics.Replica
	for _, r := range m.set.Replicas {
		now := r.Now()
		status := now.Status()
		list = append(list, metrics.Replica{
			Name:      r.Name,
			Up:        !slices.ContainsFunc(status.Problems, isUnreadable),
			Status:    status,
			Tally:     r.Tally(),
			LastEntry: metrics.LastEntry(now.Log),
			Rewrites:  r.Rewrites(),
			Elections: r.Elections(),
		})
	}
	return list
}

// isUnreadable reports whether a problem is that the directory, or a file of it, cannot be read.
func isUnreadable(p walcore.Problem) bool { return p.Kind == walcore.KindUnreadable }
