package payload

import (
	_ "embed"
	"sync"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// etcdDescriptor is etcd.proto compiled, as dgraphDescriptor is dgraph.proto.
//
//go:embed etcd.binpb
var etcdDescriptor []byte

// etcdSchema holds the plans of etcd's messages. It is made on first use.
type etcdSchema struct {
	request, requestV2 *messagePlan

	// Those with keys: see eachKey.
	get, put, del    *messagePlan
	txn, op, compare *messagePlan
}

var builtinEtcd = sync.OnceValue(loadEtcdSchema)

func loadEtcdSchema() *etcdSchema {
	messages := messagesOf(etcdDescriptor)
	p := newPlanner()
	plan := func(name protoreflect.Name) *messagePlan { return p.plan(messages.ByName(name)) }
	s := &etcdSchema{
		request:   plan("InternalRaftRequest"),
		requestV2: plan("RequestV2"),
		get:       plan("RangeRequest"),
		put:       plan("PutRequest"),
		del:       plan("DeleteRangeRequest"),
		txn:       plan("TxnRequest"),
		op:        plan("RequestOp"),
		compare:   plan("Compare"),
	}
	for _, m := range p.messages {
		m.objects = true
		for _, f := range m.fields {
			f.text = f.kind == protoreflect.BytesKind // all are keys or values
		}
	}
	s.put.byName("value").object = 1
	s.compare.byName("value").object = 3
	s.requestV2.byName("Val").object = 3
	s.requestV2.byName("PrevValue").object = 3
	p.markSecrets()
	return s
}

// requestOf gives the request that the data of a normal entry hold, if they hold one. As
// etcd does, it takes what is no InternalRaftRequest for a request to the old store.
func (s *etcdSchema) requestOf(data []byte) (m message, ok bool) {
	m = message{s.request, data}
	// What has none of the fields is not etcd's, and text hardly ever is.
	if (checker{}).message(m.plan, data, 0) > otherTypes && m.plan.knowsAny(data) && (!printable(data) || m.plan.check(data) == exact) {
		return m, true
	}
	m.plan = s.requestV2
	return m, m.plan.check(data) >= oddStrings && len(m.bytes(2)) > 0
}
