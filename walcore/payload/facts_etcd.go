package payload

import (
	"bytes"
	"iter"
)

// The kinds of etcd's entries. That of a transaction is KindTxn; Facts.Is takes the kinds of
// the requests in it, too.
const (
	KindPut             = "put"
	KindRange           = "range"        // keys read
	KindDeleteRange     = "delete_range" // one key or more
	KindCompaction      = "compaction"
	KindLeaseGrant      = "lease_grant"
	KindLeaseRevoke     = "lease_revoke"
	KindLeaseCheckpoint = "lease_checkpoint" // how long leases have left
	KindAlarm           = "alarm"
	KindAuth            = "auth"            // users, roles, permissions
	KindMemberAttr      = "member_attr"     // a member's name and client URLs
	KindClusterVersion  = "cluster_version" // that all members have
	KindDowngrade       = "downgrade"
	KindRequest         = "request" // any other
)

// etcdKind is the kind of what is in a field of InternalRaftRequest, "" for the header. The
// numbers are those of etcd.proto, here and below.
func etcdKind(num int) string {
	switch num {
	case 3:
		return KindRange
	case 4:
		return KindPut
	case 5:
		return KindDeleteRange
	case 6:
		return KindTxn
	case 7:
		return KindCompaction
	case 8:
		return KindLeaseGrant
	case 9:
		return KindLeaseRevoke
	case 10:
		return KindAlarm
	case 11:
		return KindLeaseCheckpoint
	case 1300:
		return KindClusterVersion
	case 1301:
		return KindMemberAttr
	case 1302, 9900:
		return KindDowngrade
	}
	if num >= 1000 && num < 1300 {
		return KindAuth
	}
	return ""
}

// Facts implements Decoder.
func (d *Etcd) Facts(f *Facts, e Entry) { d.facts(f, e) }

// facts sets f, and reports whether the entry is a request that decodes.
func (d *Etcd) facts(f *Facts, e Entry) bool {
	if f.common(e) {
		return false
	}
	m, ok := d.requestOf(e.Data)
	if !ok {
		f.raw(e.Data)
		return false
	}
	f.request = m
	if m.plan == d.request {
		f.etcd()
	}
	if f.Kind == "" {
		f.Kind = KindRequest
	}
	f.sort()
	return true
}

// etcd says what an InternalRaftRequest holds.
func (f *Facts) etcd() {
	s := builtinEtcd()
	for r := f.request.fields(); r.next(); {
		kind := etcdKind(int(r.num))
		if kind == "" {
			continue
		}
		f.kind(kind)
		switch kind {
		case KindTxn:
			for k := range s.keys(r.message()) {
				switch k.of {
				case s.get:
					f.kind(KindRange)
				case s.put:
					f.kind(KindPut)
				case s.del:
					f.kind(KindDeleteRange)
				}
			}
		case KindAlarm:
			if id := r.message().number(2); id != 0 { // 0: of all members
				f.member(id)
			}
		case KindMemberAttr:
			f.member(r.message().number(1))
		}
	}
}

// keyRange is a key that a request names, or the keys from it on and before end. end is nil
// for one key. of is the message that names them.
type keyRange struct {
	of       *messagePlan
	key, end []byte
}

// noEnd is the end of a range that goes on to the last key.
const noEnd = "\x00"

// has reports whether a key is one of more that r names together.
func (r keyRange) has(key []byte) bool {
	return len(r.end) > 0 && bytes.Compare(key, r.key) >= 0 && (string(r.end) == noEnd || bytes.Compare(key, r.end) < 0)
}

// keys goes through the keys that a request, or a transaction, names.
func (s *etcdSchema) keys(m message) iter.Seq[keyRange] {
	return func(yield func(keyRange) bool) { s.eachKey(m, yield) }
}

func (s *etcdSchema) eachKey(m message, yield func(keyRange) bool) bool {
	switch m.plan {
	case s.put:
		return yield(keyRange{m.plan, m.bytes(1), nil})
	case s.get, s.del:
		return yield(keyRange{m.plan, m.bytes(1), m.bytes(2)})
	case s.compare:
		return yield(keyRange{m.plan, m.bytes(3), m.bytes(64)})
	case s.op:
		_, request, ok := m.last()
		return !ok || s.eachKey(request, yield)
	case s.request, s.txn:
		for f := m.fields(); f.next(); {
			if f.known.message != nil && !s.eachKey(f.message(), yield) {
				return false
			}
		}
	}
	return true
}

// last is the last message stored in m. It is the one that counts in a union.
func (m message) last() (num int, last message, ok bool) {
	for f := m.fields(); f.next(); {
		num, last, ok = int(f.num), f.message(), true
	}
	return num, last, ok
}

// InRange reports whether an entry of etcd's reads, compares or deletes a range of keys that
// a key is in. It is about ranges only: StoredKeys has the keys that are named.
func (f *Facts) InRange(key []byte) bool {
	if f.request.plan == nil {
		return false
	}
	for r := range builtinEtcd().keys(f.request) {
		if r.has(key) {
			return true
		}
	}
	return false
}
