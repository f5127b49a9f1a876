package fsview

import "sync"

// pastTexts keeps what the texts of earlier trees said, for those who still have them
// open: tail looks at a file once a second.
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
	maxPastBytes = 4 << 20 // enough for some minutes if the log changes at each look
	textCost     = 256     // bytes that it takes to keep a text, beside its own
)

// keep keeps those texts of a tree that somebody has asked for. The caller has locked p.
func (p *pastTexts) keep(t *Tree) {
	if p.byNode == nil {
		p.byNode = map[Node]pastText{}
	}
	for fixed, o := range t.fixed {
		x, ok := o.(*text)
		if !ok || fixed.kind() != kindText || !x.asked.Load() {
			continue
		}
		n, err := x.node(fixed)
		if _, known := p.byNode[n]; known || err != nil {
			continue
		}
		body, _ := x.body()
		attr, _ := x.attr(t, n)
		p.byNode[n] = pastText{body, attr}
		p.order = append(p.order, n)
		p.bytes += len(body) + textCost
	}
	for p.bytes > maxPastBytes {
		oldest := p.order[0]
		p.bytes -= len(p.byNode[oldest].body) + textCost
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
