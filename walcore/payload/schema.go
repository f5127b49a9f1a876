package payload

import (
	_ "embed"
	"sync"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// dgraphDescriptor is dgraph.proto compiled to a FileDescriptorProto. Compiling
// the source at run time would take ten milliseconds instead of three, in each
// command that decodes.
//
//go:generate go test -run TestDescriptor -update .
//go:embed dgraph.binpb
var dgraphDescriptor []byte

// schema holds the plans of every message that Dgraph's decoder starts from. It is made on
// first use: a command that decodes nothing need not wait for it.
type schema struct {
	proposal, zeroProposal     *messagePlan
	snapshot, zeroSnapshot     *messagePlan
	raftContext, txnContext    *messagePlan
	confChangeV1, confChangeV2 *messagePlan
	valTypes                   *enumPlan
}

// builtin returns Dgraph's schema, with Raft's configuration changes.
var builtin = sync.OnceValue(loadSchema)

func loadSchema() *schema {
	messages := messagesOf(dgraphDescriptor)
	p := newPlanner()
	plan := func(name protoreflect.Name) *messagePlan { return p.plan(messages.ByName(name)) }
	s := &schema{
		proposal:     plan("Proposal"),
		zeroProposal: plan("ZeroProposal"),
		snapshot:     plan("Snapshot"),
		zeroSnapshot: plan("ZeroSnapshot"),
		raftContext:  plan("RaftContext"),
		txnContext:   plan("TxnContext"),
		confChangeV1: p.plan((&raftpb.ConfChange{}).ProtoReflect().Descriptor()),
		confChangeV2: p.plan((&raftpb.ConfChangeV2{}).ProtoReflect().Descriptor()),
	}
	edge := p.plan(messages.ByName("DirectedEdge"))
	s.valTypes = edge.byName("value_type").enum
	edge.typeValue("value", "value_type", edgeTypes)
	p.plan(messages.ByName("Facet")).typeValue("value", "val_type", facetTypes)
	p.markSecrets()
	return s
}

// messagesOf gives the messages of an embedded FileDescriptorProto. It panics if that is
// damaged, which no input can cause.
func messagesOf(descriptor []byte) protoreflect.MessageDescriptors {
	source := new(descriptorpb.FileDescriptorProto)
	if err := proto.Unmarshal(descriptor, source); err != nil {
		panic("payload: built-in schema: " + err.Error())
	}
	file, err := protodesc.NewFile(source, nil)
	if err != nil {
		panic("payload: built-in schema: " + err.Error())
	}
	return file.Messages()
}
