package fsview

import "sync"

// pastTexts keeps what texts said before they came to say something else, for
// those who still have them open: tail looks at a file once a second.
type pastTexts struct {
	mu     sync.Mutex // protects what follows
	byNode map[Node]pastText
	order  []Node // oldest first
	bytes  int
}

type pastText struct {
	body []byte
	attr Attr
}

const (
	maxPastTexts = 4 << 20 // bytes, which at full speed are some minutes
	pastTextCost = 256     // bytes that keeping a text takes beside its own
)

// keep takes the texts of a tree that somebody has asked for.
func (p *pastTexts) keep(t *Tree) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.byNode == nil {
		p.byNode = map[Node]pastText{}
	}
	for at, o := range t.fixed {
		x, ok := o.(*text)
		if !ok || at.kind() != kindText || !x.made.Load() {
			continue
		}
		n, err := x.node(at)
		if _, known := p.byNode[n]; known || err != nil {
			continue
		}
		body, _ := x.body()
		attr, _ := x.attr(t, n)
		p.byNode[n] = pastText{body, attr}
		p.order = append(p.order, n)
		p.bytes += len(body) + pastTextCost
	}
	for p.bytes > maxPastTexts {
		oldest := p.order[0]
		p.bytes -= len(p.byNode[oldest].body) + pastTextCost
		delete(p.byNode, oldest)
		p.order = p.order[1:]
	}
}

func (p *pastTexts) get(n Node) (pastText, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	x, ok := p.byNode[n]
	return x, ok
}
