package api

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/walfs/walfs/cmd/walfs/server/replica"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/diff"
	"github.com/walfs/walfs/walcore/explain"
	"github.com/walfs/walfs/walcore/membership"
	"github.com/walfs/walfs/walcore/stats"
	"github.com/walfs/walfs/walcore/status"
	"github.com/walfs/walfs/walcore/sums"
)

// named is a replica's status in the list of all.
type named struct {
	Name   string         `json:"name"`
	Status *status.Status `json:"status"`
}

func (a *api) allStatus(w http.ResponseWriter, r *http.Request) {
	list := []named{}
	for _, r := range a.set.Replicas {
		list = append(list, named{r.Name, r.Now().Status()})
	}
	if err := sendValue(w, list); err != nil {
		fail(w, err)
	}
}

func (a *api) status(m *replica.Moment, w http.ResponseWriter, r *http.Request) error {
	return sendValue(w, m.Status())
}

// explain gives what walfs explain --json prints.
func (a *api) explain(m *replica.Moment, w http.ResponseWriter, r *http.Request) error {
	return a.atOneMoment(m, w, r, func(ctx context.Context, m *replica.Moment) (any, error) {
		return explain.New(ctx, m.Log, m.Decoder(), explain.Options{})
	})
}

// stats gives what walfs stats --json prints.
func (a *api) stats(m *replica.Moment, w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	var by []stats.By
	for _, text := range q["by"] {
		if !slices.Contains(stats.All, stats.By(text)) {
			return badRequest(fmt.Errorf("by: want one of %v, got %q", stats.All, text))
		}
		by = append(by, stats.By(text))
	}
	top, err := number(q, "top", 0)
	if err != nil {
		return err
	}
	if _, err := filterOf(q, m.Log, "by", "top"); err != nil {
		return err
	}
	return a.atOneMoment(m, w, r, func(ctx context.Context, m *replica.Moment) (any, error) {
		f, err := filterOf(q, m.Log, "by", "top")
		if err != nil {
			return nil, err
		}
		s, err := sums.Add(ctx, m.Log, sums.Options{By: by, Filter: *f, Decoder: m.Decoder(), Workers: 1, FailIfChanged: true})
		if err != nil {
			return nil, err
		}
		return s.Report(int(min(top, math.MaxInt32))), nil
	})
}

// mostMoments bounds how often a log is read again that changes meanwhile.
const mostMoments = 10

// atOneMoment answers with what is true of one moment: if an entry has changed since its log
// was listed, the newest log is asked.
func (a *api) atOneMoment(m *replica.Moment, w http.ResponseWriter, r *http.Request, answer func(context.Context, *replica.Moment) (any, error)) error {
	ctx := r.Context()
	var v any
	var err error
	for range mostMoments {
		next := m.Replica.Live.Next()
		err = a.set.Decoding(ctx, func() (err error) {
			v, err = answer(ctx, m)
			return err
		})
		if !errors.Is(err, walcore.ErrChanged) {
			break
		}
		if m.Tree == m.Replica.Live.Tree() { // it will be seen that the log has changed, or the entry is damaged
			select {
			case <-next:
			case <-time.After(changedWait):
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		m = m.Replica.Now()
	}
	if err != nil {
		return err
	}
	return sendValue(w, v)
}

// changedWait is how long it takes at most until a change of a directory is seen.
const changedWait = time.Second

// diff gives what walfs diff --json prints of a replica and others.
func (a *api) diff(m *replica.Moment, w http.ResponseWriter, r *http.Request) error {
	logs := []walcore.Log{m.Log}
	if err := only(r.URL.Query(), "with"); err != nil {
		return err
	}
	with := r.URL.Query()["with"]
	for _, name := range with {
		if a.set.Find(name) == nil || name == m.Replica.Name {
			return badRequest(fmt.Errorf("with: %q is none of the others; /api/status lists all", name))
		}
	}
	for _, other := range a.set.Replicas {
		if other != m.Replica && (len(with) == 0 || slices.Contains(with, other.Name)) {
			logs = append(logs, other.Now().Log)
		}
	}
	if len(logs) < 2 {
		return badRequest(errors.New("there is one directory here: a difference takes two"))
	}
	var report *diff.Report
	err := a.set.Decoding(r.Context(), func() (err error) {
		report, err = diff.Compare(r.Context(), logs, nil)
		return err
	})
	if err != nil {
		return err
	}
	return sendValue(w, report)
}

// group is who is in it, and who was.
type group struct {
	Members []explain.Member `json:"members"` // null: not known
	History []step           `json:"history"`
	// Error is why the members are not known, or the history ends.
	Error string `json:"error,omitempty"`
}

// step is the group from an index on.
type step struct {
	Index     uint64           `json:"index"`
	Term      uint64           `json:"term"`
	Snapshot  bool             `json:"snapshot"`
	Committed *bool            `json:"committed"`
	Changes   []string         `json:"changes"`
	Members   []explain.Member `json:"members"`
}

// members gives who is in the group as of the commit index, and each change of that. What
// cannot be read ends the history.
func (a *api) members(m *replica.Moment, w http.ResponseWriter, r *http.Request) error {
	var list []membership.Member
	var steps []membership.Step
	var historyErr error
	err := a.set.Decoding(r.Context(), func() (err error) {
		list, err = m.Members()
		steps, historyErr = membership.History(m.Log)
		return err
	})
	if errors.Is(err, replica.ErrBusy) || r.Context().Err() != nil {
		return err
	}
	g := group{History: []step{}}
	if err == nil {
		g.Members = explained(list)
	}
	if err = errors.Join(err, historyErr); err != nil {
		g.Error, _, _ = strings.Cut(err.Error(), "\n") // both have one cause
	}
	for _, s := range steps {
		g.History = append(g.History, step{s.Index, s.Term, s.Snapshot, s.Committed, append([]string{}, s.Changes...), explained(s.Members)})
	}
	return sendValue(w, g)
}

// explained are members as walfs explain --json has them.
func explained(list []membership.Member) []explain.Member {
	out := []explain.Member{}
	for _, m := range list {
		out = append(out, explain.Member(m))
	}
	return out
}
