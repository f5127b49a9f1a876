// Command generated decodes the entries of an Alpha's or Zero's Raft directory to
// JSON lines in the usual way: types that protoc-gen-go has generated, and
// protojson. walfs dump --format json --decode is compared with it. It reads with
// walfs's own code, so that only the decoding is different.
//
//	generated [-zero] DIR
package main

import (
	"github.com/walfs/walfs/walcore"

	"bufio"
	"encoding/base64"
	"encoding/binary"
	"flag"
	"fmt"
	"log"
	"os"

	"github.com/walfs/walfs/test/bench/decode/pb"
	"github.com/walfs/walfs/walcore/dgraph"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

func main() {
	log.SetFlags(0)
	zero := flag.Bool("zero", false, "the log of a Zero")
	flag.Parse()
	if err := run(flag.Arg(0), *zero); err != nil {
		log.Fatal(err)
	}
}

func run(dir string, zero bool) error {
	r, err := dgraph.OpenReader(dir, dgraph.ReaderOptions{})
	if err != nil {
		return err
	}
	defer r.Close()
	out := bufio.NewWriterSize(os.Stdout, 64<<10)
	var payloads walcore.Scanner
	for e := range r.Entries(0) {
		data, err := payloads.Data(&e)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, `{"index":%d,"term":%d,"type":"%v","size":%d,"file":"%s","slot":%d,"offset":%d,"data":"%s","decoded":`,
			e.Index, e.Term, e.Type, e.Size, e.File.Name, e.Slot, e.Offset, base64.StdEncoding.EncodeToString(data))
		if err := decode(out, &e, data, zero); err != nil {
			return err
		}
		out.WriteString("}\n")
	}
	return out.Flush()
}

func decode(out *bufio.Writer, e *walcore.Entry, data []byte, zero bool) error {
	var m proto.Message
	switch {
	case e.Type == walcore.EntryConfChange:
		m = &raftpb.ConfChange{}
	case e.Type == walcore.EntryConfChangeV2:
		m = &raftpb.ConfChangeV2{}
	case len(data) < 8:
		out.WriteString("null")
		return nil
	case zero:
		m = &pb.ZeroProposal{}
	default:
		m = &pb.Proposal{}
	}
	if e.Type == walcore.EntryNormal {
		fmt.Fprintf(out, `{"key":"%d","proposal":`, binary.BigEndian.Uint64(data))
		defer out.WriteString("}")
		data = data[8:]
	}
	if err := proto.Unmarshal(data, m); err != nil {
		return fmt.Errorf("entry %d: %w", e.Index, err)
	}
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(m)
	if err != nil {
		return fmt.Errorf("entry %d: %w", e.Index, err)
	}
	_, err = out.Write(text)
	return err
}
