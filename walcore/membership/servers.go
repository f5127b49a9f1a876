package membership

import (
	"slices"
	"strings"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/payload"
)

// lastServers gives the members of a group of HashiCorp's library: those of the last
// configuration in the log, or else of the snapshot. A node of it goes by the last one,
// committed or not. It fails where an entry that may be a configuration cannot be read.
func lastServers(l walcore.Log) ([]Member, error) {
	var list []walcore.Server
	next := uint64(1)
	if s := l.Meta().Snapshot; s != nil {
		list, next = s.ConfState.Servers, s.Index+1
	}
	if first, known := l.FirstIndex(); known {
		next = first
	}
	for e := range l.Entries(next) {
		if err := gap(l, next, e.Index-1); err != nil {
			return nil, err
		}
		next = e.Index + 1
		if e.Type != walcore.LogConfiguration {
			continue
		}
		data, err := changeData(&e)
		if err != nil {
			return nil, err
		}
		now, ok := payload.Servers(data)
		if !ok {
			return nil, misfit(&e)
		}
		list = now
	}
	if last, known := l.LastIndex(); known && next <= last {
		if err := gap(l, next, last); err != nil {
			return nil, err
		}
	}
	return named(list), nil
}

// named is servers as members, by id.
func named(list []walcore.Server) []Member {
	var members []Member
	for _, s := range list {
		m := Member{Text: s.ID, Role: Learner, Address: s.Address}
		if s.Voter {
			m.Role = Voter
		}
		if strings.ContainsFunc(m.Text, noPart) {
			m.Text = ""
		}
		if strings.ContainsFunc(m.Address, noPart) {
			m.Address = ""
		}
		members = append(members, m)
	}
	slices.SortFunc(members, func(a, b Member) int { return strings.Compare(a.Text, b.Text) })
	return members
}
