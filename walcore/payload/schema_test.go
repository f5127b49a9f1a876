package payload

import (
	"bytes"
	"flag"
	"os"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
)

var update = flag.Bool("update", false, "write dgraph.binpb anew")

// TestDescriptor: dgraph.binpb is dgraph.proto compiled.
func TestDescriptor(t *testing.T) {
	md := load(t, "dgraph.proto", "walfs.dgraph.Proposal")
	source := protodesc.ToFileDescriptorProto(md.ParentFile())
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(source)
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("dgraph.binpb", b, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(b, dgraphDescriptor) {
		t.Error("dgraph.binpb is not dgraph.proto compiled: run go generate")
	}
}
