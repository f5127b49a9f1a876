package payload

import (
	"bytes"
	"flag"
	"os"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
)

var update = flag.Bool("update", false, "write dgraph.binpb and etcd.binpb anew")

// TestDescriptor: dgraph.binpb is dgraph.proto compiled, and etcd.binpb etcd.proto.
func TestDescriptor(t *testing.T) {
	for name, tt := range map[string]struct {
		message  string
		embedded []byte
	}{
		"dgraph": {"walfs.dgraph.Proposal", dgraphDescriptor},
		"etcd":   {"walfs.etcd.InternalRaftRequest", etcdDescriptor},
	} {
		md := load(t, name+".proto", tt.message)
		source := protodesc.ToFileDescriptorProto(md.ParentFile())
		b, err := proto.MarshalOptions{Deterministic: true}.Marshal(source)
		if err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(name+".binpb", b, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if !bytes.Equal(b, tt.embedded) {
			t.Errorf("%[1]s.binpb is not %[1]s.proto compiled: run go generate", name)
		}
	}
}
