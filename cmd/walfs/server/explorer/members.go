package explorer

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/walfs/walfs/cmd/walfs/server/replica"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/membership"
	"github.com/walfs/walfs/walcore/status"
)

// What a page has of a group's history at most.
const (
	maxSteps = 200
	maxLanes = 50
)

// membersPage is what templates/members.html shows.
type membersPage struct {
	Name    string
	Node    string // this one's id
	Members []membership.Member
	Problem string // why they are not known

	Steps   []memberStep // the newest first
	Earlier string       // address of those before; "": there are none
	Broken  string       // why the history goes no further
	Axis    axis
	Lanes   []memberLane
	Left    int // how many members are not drawn
}

// memberStep is the group from an index on.
type memberStep struct {
	membership.Step
	After string // the members
	State string // committed, not committed, not known
}

// memberLane is a member over the indexes.
type memberLane struct {
	Text  string
	Bars  []rect
	Words string

	spans []roleSpan
}

// roleSpan is a role that a member had from one index to another.
type roleSpan struct {
	role        membership.Role
	first, last uint64
}

// members is the page of who is in the group, and was.
func (x *explorer) members(r *http.Request, now *replica.Moment) (*view, error) {
	p := &membersPage{Name: now.Replica.Name, Node: whoIs(now.Log).Node}
	before, err := indexFrom(r.URL.Query().Get("before"))
	if err != nil {
		return nil, err
	}
	if p.Members, err = now.Members(); err != nil {
		p.Problem = sentence(err.Error())
	}
	steps, err := x.derived(now.Replica).history.of(now.Log)
	if err != nil {
		p.Broken = sentence(err.Error())
	}
	if before > 0 {
		if i := slices.IndexFunc(steps, func(s membership.Step) bool { return s.Index >= before }); i >= 0 {
			steps = steps[:i]
		}
	}
	if n := len(steps) - maxSteps; n > 0 {
		steps = steps[n:]
		p.Earlier = link(p.Name, "members", "before", steps[0].Index)
	}
	p.list(steps)
	p.draw(steps, standingOf(now.Log))
	return &view{Template: "members", Title: "Members", Tab: "members", Data: p, Styles: []string{"overview.css", "entries.css"}}, nil
}

func (p *membersPage) list(steps []membership.Step) {
	for _, s := range slices.Backward(steps) {
		step := memberStep{Step: s, After: memberList(s.Members), State: "not known"}
		if s.Committed != nil {
			step.State = map[bool]string{true: "committed", false: "not committed"}[*s.Committed]
		}
		p.Steps = append(p.Steps, step)
	}
}

// memberList is members in one line.
func memberList(members []membership.Member) string {
	var list []string
	for i, m := range members {
		if i == maxLanes {
			list = append(list, fmt.Sprintf("%d more", len(members)-i))
			break
		}
		text := m.Text
		if m.Role != membership.Voter {
			text += " (" + string(m.Role) + ")"
		}
		list = append(list, text)
	}
	return strings.Join(list, ", ")
}

// draw makes a lane of each member: when it had which role.
func (p *membersPage) draw(steps []membership.Step, s standing) {
	if len(steps) == 0 {
		return
	}
	p.Axis = axis{First: steps[0].Index, Last: max(s.end(), steps[len(steps)-1].Index)}
	at := map[string]int{}
	for i, step := range steps {
		until := p.Axis.Last
		if i+1 < len(steps) {
			until = max(steps[i+1].Index, 1) - 1
		}
		for _, m := range step.Members {
			k, known := at[m.Text]
			if !known {
				k = len(p.Lanes)
				at[m.Text] = k
				p.Lanes = append(p.Lanes, memberLane{Text: m.Text})
			}
			p.Lanes[k].add(roleSpan{m.Role, step.Index, max(until, step.Index)})
		}
	}
	p.Left = max(len(p.Lanes)-maxLanes, 0)
	p.Lanes = p.Lanes[:len(p.Lanes)-p.Left]
	for i := range p.Lanes {
		p.Lanes[i].draw(p.Axis)
	}
}

// add adds a role. It goes on with the one before, if that is the same and ends there.
func (l *memberLane) add(s roleSpan) {
	if k := len(l.spans) - 1; k >= 0 && l.spans[k].role == s.role && l.spans[k].last+1 >= s.first {
		l.spans[k].last = s.last
		return
	}
	l.spans = append(l.spans, s)
}

// draw draws the roles, and says the same in words.
func (l *memberLane) draw(a axis) {
	var words []string
	for _, s := range l.spans {
		bar := a.span(s.first, s.last)
		bar.Class = "role-" + string(s.role)
		bar.Title = fmt.Sprintf("%s from %s to %s", s.role, status.Grouped(s.first), status.Grouped(s.last))
		l.Bars = append(l.Bars, bar)
		words = append(words, bar.Title)
	}
	l.Words = strings.Join(words, "; ")
}

// groupHistory is who was in the group, as the log had it that was asked about last. Going
// through a log of a million entries takes a while, and most changes of a log change nothing
// of it.
type groupHistory struct {
	mu    sync.Mutex
	log   walcore.Log
	steps []membership.Step
	err   error
}

func (h *groupHistory) of(log walcore.Log) ([]membership.Step, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.log == nil || h.log != log && !h.staysIn(log) {
		h.steps, h.err = membership.History(log)
	}
	h.log = log
	return h.steps, h.err
}

// staysIn reports whether a later log has only got entries that change nothing of the group.
func (h *groupHistory) staysIn(log walcore.Log) bool {
	next, ok := log.(walcore.Follower)
	before, after := standingOf(h.log), standingOf(log)
	if !ok || h.err != nil || before.Last == 0 || after.Last < before.Last || snapshotOf(h.log) != snapshotOf(log) {
		return false
	}
	for _, s := range h.steps {
		if s.Committed != nil && !*s.Committed {
			return false
		}
	}
	if first, last := next.Unchanged(h.log); first > before.First || last < before.Last {
		return false
	}
	if next.Gap(before.Last+1, after.Last) != nil {
		return false
	}
	for e := range next.Outline(before.Last + 1) {
		switch e.Type {
		case walcore.EntryNormal, walcore.LogCommand, walcore.LogNoop, walcore.LogBarrier:
		default:
			return false
		}
	}
	return true
}

// snapshotOf is the index of a log's snapshot; 0: there is none, or it is not known.
func snapshotOf(log walcore.Log) uint64 {
	if s := log.Meta().Snapshot; s != nil {
		return s.Index
	}
	return 0
}
