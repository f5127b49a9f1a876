package payload

import (
	"context"
	_ "embed"
	"sync"

	"github.com/bufbuild/protocompile"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/reflect/protoreflect"
)

//go:embed dgraph.proto
var dgraphProto string

// schema holds the plans of every message that the built-in decoders start
// from. It is made on first use: parsing takes a millisecond or two, which a
// command that decodes nothing does not pay.
type schema struct {
	proposal, zeroProposal     *messagePlan
	snapshot, zeroSnapshot     *messagePlan
	raftContext                *messagePlan
	confChangeV1, confChangeV2 *messagePlan
	valTypes                   *enumPlan
}

// builtin returns the built-in schema. It panics if the embedded source does
// not compile, which no input can bring about.
var builtin = sync.OnceValue(func() *schema {
	const name = "dgraph.proto"
	compiler := protocompile.Compiler{
		Resolver: &protocompile.SourceResolver{
			Accessor: protocompile.SourceAccessorFromMap(map[string]string{name: dgraphProto}),
		},
	}
	files, err := compiler.Compile(context.Background(), name)
	if err != nil {
		panic("payload: built-in schema: " + err.Error())
	}
	messages := files[0].Messages()
	p := newPlanner()
	plan := func(name protoreflect.Name) *messagePlan { return p.plan(messages.ByName(name)) }
	s := &schema{
		proposal:     plan("Proposal"),
		zeroProposal: plan("ZeroProposal"),
		snapshot:     plan("Snapshot"),
		zeroSnapshot: plan("ZeroSnapshot"),
		raftContext:  plan("RaftContext"),
		confChangeV1: p.plan((&raftpb.ConfChange{}).ProtoReflect().Descriptor()),
		confChangeV2: p.plan((&raftpb.ConfChangeV2{}).ProtoReflect().Descriptor()),
	}
	edge := p.plan(messages.ByName("DirectedEdge"))
	s.valTypes = edge.byName("value_type").enum
	edge.typeValue("value", "value_type", edgeTypes)
	p.plan(messages.ByName("Facet")).typeValue("value", "val_type", facetTypes)
	return s
})
