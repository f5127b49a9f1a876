package payload

import "github.com/walfs/walfs/walcore"

// The kinds of entries of HashiCorp's library.
const (
	KindKVS           = "kvs"        // Consul's key-values
	KindRegister      = "register"   // a node, a service or a check, in Consul's catalog
	KindDeregister    = "deregister" // the same
	KindSession       = "session"    // Consul's
	KindCoordinate    = "coordinate" // how far Consul's nodes are from each other
	KindCommand       = "command"    // any other command of an application
	KindChunk         = "chunk"      // a part of a command that was too large for one entry
	KindNoop          = "noop"       // a new leader's
	KindBarrier       = "barrier"
	KindConfiguration = "configuration" // who is in the group
)

// Summarize implements Decoder. It never fails.
func (d *HashiCorp) Summarize(s *Summary, e Entry) error {
	s.Line, s.Shortened = s.Line[:0], false
	d.Facts(&s.Facts, e)
	switch s.Kind {
	case KindTooLarge:
		s.text("more data than are decoded")
	case KindEmpty:
		s.text("no data")
	case KindChunk:
		s.chunk(e)
	case KindNoop, KindBarrier:
		s.text(s.Kind)
	case KindConfiguration:
		s.configuration(e)
	case KindText, KindBinary:
		s.undecoded(e.Data, !d.opts.ShowSecrets && mayHoldSecret(e.Data))
	default:
		s.command()
	}
	s.cut()
	return nil
}

func (s *Summary) configuration(e Entry) {
	switch walcore.EntryType(e.Type) {
	case walcore.LogConfiguration:
		servers, _ := configuration(e.Data)
		s.text("configuration ")
		for i, server := range servers {
			if !s.listed(i, len(servers)) {
				break
			}
			s.name(server.id)
			s.text(" " + suffrages[server.suffrage] + " ")
			s.name(server.address)
		}
		return
	case walcore.LogAddPeerDeprecated:
		s.text("add peer, then ")
	default:
		s.text("remove peer, then ")
	}
	peers, _ := peersOf(e.Data)
	n, i := int(peers.head().u), 0
	for p := range peers.elements() {
		if !s.listed(i, n) {
			break
		}
		s.name(p.head().b)
		i++
	}
}

// command writes what a command is about: its name, and what it changes, or else what says
// most of it.
func (s *Summary) command() {
	c := s.Facts.command
	s.text(c.name)
	if c.app == otherApp {
		s.text("message type ")
		s.uint(uint64(c.typ))
		s.fieldNames(c.message)
		return
	}
	s.word("", c.entry)
	if s.keyChanges(c) || c.app == vault {
		return
	}
	words := consulWords
	if c.app == nomad {
		words = nomadWords
	}
	for _, w := range words {
		m := c.message
		if w.in != "" {
			m = m.get(w.in)
		}
		s.word(w.label, textOf(m, w.name))
	}
}

// word is a text in a message, and where: in a member of that, or in the message itself.
type word struct{ label, in, name string }

var (
	consulWords = []word{
		{"", "", "Op"}, {"node ", "", "Node"}, {"service ", "Service", "Service"}, {"service ", "", "ServiceID"},
		{"check ", "Check", "CheckID"}, {"check ", "", "CheckID"}, {"", "Session", "ID"}, {"node ", "Session", "Node"},
		{"", "Query", "Name"}, {"", "Entry", "Name"}, {"", "Entry", "Key"},
	}
	nomadWords = []word{
		{"node ", "Node", "ID"}, {"node ", "", "NodeID"}, {"job ", "Job", "ID"}, {"job ", "", "JobID"}, {"", "", "Status"},
	}
)

// word adds a word to the line, if there is one.
func (s *Summary) word(label string, text []byte) {
	if len(text) == 0 {
		return
	}
	if n := len(s.Line); n > 0 && s.Line[n-1] != ' ' {
		s.text(" ")
	}
	s.text(label)
	s.name(text)
}

// keyChanges lists what a command does with key-values. It reports false if that is nothing.
func (s *Summary) keyChanges(c command) bool {
	n, i := 0, 0
	for range c.changes() {
		n++
	}
	for verb, key := range c.changes() {
		if !s.listed(i, n) {
			break
		}
		s.word("", verb)
		s.word("", key)
		i++
	}
	return n > 0
}

// fieldNames lists the names in a message that nothing else is known of.
func (s *Summary) fieldNames(m msgpack) {
	n, i := int(m.head().u), 0
	for name := range m.members() {
		if i == 0 {
			s.text(": ")
		}
		if !s.listed(i, n) {
			break
		}
		s.name(name)
		i++
	}
}
