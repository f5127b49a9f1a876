package payload

import (
	"strconv"
	"strings"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/encoding/protowire"
)

// Summarize implements Decoder. It never fails. The words are etcdctl's, and ids of leases
// and members are in hex, as there.
func (d *Etcd) Summarize(s *Summary, e Entry) error {
	line := etcdLine{s}
	if s.common(e) {
		if s.Kind == KindConfChange {
			line.confChange(e)
		}
		return nil
	}
	if !d.facts(&s.Facts, e) {
		s.undecoded(e.Data, d.hides(e.Data))
		return nil
	}
	if s.request.plan == d.requestV2 {
		line.words("v2", s.request.bytes(2))
		if path := s.request.bytes(3); len(path) > 0 {
			line.words("", path)
		}
	} else {
		line.request(s.request)
	}
	if len(s.Line) == 0 {
		s.unsummarized(e.Data)
	}
	s.cut()
	return nil
}

// etcdLine writes a line of words with spaces between them.
type etcdLine struct{ *Summary }

// word begins a word.
func (l etcdLine) word(text string) {
	if n := len(l.Line); n > 0 && l.Line[n-1] != ' ' && l.Line[n-1] != '(' {
		l.text(" ")
	}
	l.text(text)
}

// words writes what we say, and names that came from the log.
func (l etcdLine) words(text string, names ...[]byte) {
	l.word(text)
	for _, name := range names {
		l.word("")
		if len(name) == 0 {
			l.text(`""`)
		}
		l.name(name)
	}
}

func (l etcdLine) hex(id uint64) {
	l.word("")
	l.Line = strconv.AppendUint(l.Line, id, 16)
}

func (l etcdLine) int(n uint64) {
	l.word("")
	l.Line = strconv.AppendInt(l.Line, int64(n), 10)
}

// flag writes a word if the bool in field num is set.
func (l etcdLine) flag(m message, num int, word string) {
	if m.number(num) != 0 {
		l.word(word)
	}
}

// keys writes a key, or the range of keys from it on to end, which is "\x00" where there is
// none.
func (l etcdLine) keys(key, end []byte) {
	l.words("", key)
	if len(end) == 0 {
		return
	}
	l.text("..")
	if string(end) != noEnd {
		l.name(end)
	}
}

// list writes the first messages in a field of m.
func (l etcdLine) list(m message, num int, write func(message)) {
	n := m.count(num)
	i := 0
	for f := m.fields(); f.next(); {
		if int(f.num) != num {
			continue
		}
		if !l.listed(i, n) {
			return
		}
		i++
		write(f.message())
	}
}

// count is how often field num is stored.
func (m message) count(num int) (n int) {
	for f := m.fields(); f.next(); {
		if int(f.num) == num {
			n++
		}
	}
	return n
}

// request summarizes an InternalRaftRequest, and says which user asked for it.
func (l etcdLine) request(m message) {
	var user []byte
	for f := m.fields(); f.next(); {
		switch {
		case f.num == 100:
			user = f.message().bytes(2)
		case f.known.message != nil:
			l.part("")
			l.one(int(f.num), f.message())
		}
	}
	if len(user) > 0 {
		l.words("by", user)
	}
}

// etcdWords are for the requests of which the first fields are names, by number of field;
// names is how many they are.
var etcdWords = map[int]struct {
	words string
	names int
}{
	1000: {"auth enable", 0},
	1011: {"auth disable", 0},
	1012: {"authenticate", 1},
	1013: {"auth status", 0},
	1100: {"user add", 1},
	1101: {"user delete", 1},
	1102: {"user get", 1},
	1103: {"user passwd", 1},
	1104: {"user grant-role", 2},
	1105: {"user revoke-role", 2},
	1106: {"user list", 0},
	1107: {"role list", 0},
	1200: {"role add", 1},
	1201: {"role delete", 1},
	1202: {"role get", 1},
	1203: {"role grant-permission", 1},
	1204: {"role revoke-permission", 1},
	1300: {"cluster version", 1},
	9900: {"downgrade test", 1},
}

// one summarizes the request in a field of InternalRaftRequest.
func (l etcdLine) one(num int, r message) {
	w := etcdWords[num]
	l.text(w.words)
	for name := range w.names {
		l.words("", r.bytes(1+name))
	}
	switch num {
	case 3, 4, 5, 6:
		l.op(num-2, r)
	case 7:
		l.word("compact")
		l.int(r.number(1))
		l.flag(r, 2, "physical")
	case 8:
		l.word("lease grant")
		l.hex(r.number(2))
		l.word("ttl")
		l.int(r.number(1))
	case 9:
		l.word("lease revoke")
		l.hex(r.number(1))
	case 10:
		l.word("alarm")
		l.word(strings.ToLower(r.enum(1)))
		l.word(r.enum(3))
		if id := r.number(2); id != 0 {
			l.word("member")
			l.hex(id)
		}
	case 11:
		l.word("lease checkpoint")
		l.list(r, 1, func(c message) {
			l.hex(c.number(1))
			l.word("remaining")
			l.int(c.number(2))
		})
	case 1203:
		if perm, ok := r.sub(2); ok {
			l.word(perm.enum(1))
			l.keys(perm.bytes(2), perm.bytes(3))
		}
	case 1204:
		l.keys(r.bytes(2), r.bytes(3))
	case 1301:
		l.word("member attributes")
		l.hex(r.number(1))
		attributes, _ := r.sub(2)
		l.attributes(attributes)
	case 1302:
		if r.number(1) != 0 {
			l.words("downgrade enable", r.bytes(2))
		} else {
			l.word("downgrade cancel")
		}
	}
}

// attributes writes a member's name and client URLs.
func (l etcdLine) attributes(m message) {
	for f := m.fields(); f.next() && len(l.Line) <= maxLine; {
		l.words("", f.b)
	}
}

// enum is the name of the value of field num.
func (m message) enum(num int) string {
	return m.plan.byNumber(protowire.Number(num)).enum.name(int32(m.number(num)))
}

// op summarizes an operation, which has the numbers of RequestOp.
func (l etcdLine) op(num int, r message) {
	switch num {
	case 1:
		l.word("range")
		l.keys(r.bytes(1), r.bytes(2))
	case 2:
		key, value := r.bytes(1), r.bytes(2)
		l.words("put", key)
		l.object(objectOf(key, value))
		l.int(uint64(len(value)))
		l.word("bytes")
		if lease := r.number(3); lease != 0 {
			l.word("lease")
			l.hex(lease)
		}
		l.flag(r, 5, "ignore_value")
		l.flag(r, 6, "ignore_lease")
	case 3:
		l.word("delete_range")
		l.keys(r.bytes(1), r.bytes(2))
	case 4:
		l.txn(r)
	}
}

// object writes what is known of a value.
func (l etcdLine) object(o object) {
	for _, name := range [][]byte{o.apiVersion, o.kind} {
		if len(name) > 0 {
			l.words("", name)
		}
	}
	if len(o.encryptedBy) > 0 {
		l.words("encrypted by", o.encryptedBy)
	}
}

// txn writes "txn: if … then … else …". Where the line is full, it goes no deeper.
func (l etcdLine) txn(m message) {
	l.word("txn:")
	for _, part := range []struct {
		word  string
		num   int
		write func(message)
	}{{"if", 1, l.compare}, {"then", 2, l.inTxn}, {"else", 3, l.inTxn}} {
		if m.count(part.num) > 0 && len(l.Line) <= maxLine {
			l.word(part.word)
			l.list(m, part.num, part.write)
		}
	}
}

// inTxn writes an operation of a transaction. One that is a transaction itself is in brackets.
func (l etcdLine) inTxn(op message) {
	switch num, request, ok := op.last(); {
	case !ok:
		l.word("nothing")
	case num == 4:
		l.word("(")
		l.txn(request)
		l.text(")")
	default:
		l.op(num, request)
	}
}

// compare writes "mod(/a) > 4". A value is compared with so many bytes.
func (l etcdLine) compare(m message) {
	targets := [...]string{"ver", "create", "mod", "value", "lease"}
	signs := [...]string{"=", ">", "<", "!="}
	target, sign := m.number(2), m.number(1)
	if target >= uint64(len(targets)) || sign >= uint64(len(signs)) {
		l.word("unknown comparison of")
		l.keys(m.bytes(3), m.bytes(64))
		return
	}
	l.word(targets[target])
	l.text("(")
	l.keys(m.bytes(3), m.bytes(64))
	l.text(")")
	l.word(signs[sign])
	switch target {
	case 3:
		l.int(uint64(len(m.bytes(7))))
		l.word("bytes")
	case 4:
		l.hex(m.number(8))
	default:
		l.int(m.number(4 + int(target)))
	}
}

// confChange writes a configuration change, instead of what Summary says of any.
func (l etcdLine) confChange(e Entry) {
	l.Line, l.Shortened = l.Line[:0], false
	m := message{builtin().confChangePlan(e), e.Data}
	member, isMember := memberOf(e)
	change := func(kind, node uint64) {
		verbs := [...]string{"add", "remove", "update", "add-learner"}
		verb := "unknown change of"
		switch {
		case kind == uint64(raftpb.ConfChangeAddNode) && member.IsPromote:
			verb = "promote"
		case kind < uint64(len(verbs)):
			verb = verbs[kind]
		}
		l.word("member")
		l.word(verb)
		l.hex(node)
	}
	if raftpb.EntryType(e.Type) == raftpb.EntryConfChange {
		change(m.number(2), m.number(3))
	} else {
		l.changes(m, change)
	}
	if isMember {
		for _, text := range append([]string{member.Name}, member.PeerURLs...) {
			if text != "" {
				l.words("", []byte(text))
			}
		}
	}
	l.cut()
}
