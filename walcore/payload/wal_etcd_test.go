package payload

import (
	"archive/tar"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	testfixture "github.com/walfs/walfs/test/fixture"
)

// etcdLog is an etcd fixture: the entries of its segments, as Raft sees them, and the blob
// of the newest snapshot.
type etcdLog struct {
	entries  []Entry
	snapshot []byte
}

// readEtcd reads a fixture with nothing but the facts of the format: frames of a length and
// a record {type 1, crc 2, data 3}; the data of one of type 2 are an entry.
func readEtcd(t testing.TB, name string) (log etcdLog) {
	t.Helper()
	f, err := os.Open(testfixture.Path(name + ".tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	zip, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	files := make(map[string][]byte)
	var names []string
	for archive := tar.NewReader(zip); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(header.Name, ".wal") || strings.HasSuffix(header.Name, ".snap") {
			if files[header.Name], err = io.ReadAll(archive); err != nil {
				t.Fatal(err)
			}
			names = append(names, header.Name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		if strings.HasSuffix(name, ".snap") {
			var s raftpb.Snapshot
			testfixture.Must(t, proto.Unmarshal(lastBytes(files[name], 2), &s))
			log.snapshot = s.Data
		} else {
			log.segment(t, files[name])
		}
	}
	return log
}

func (l *etcdLog) segment(t testing.TB, b []byte) {
	for len(b) >= 8 {
		length := binary.LittleEndian.Uint64(b)
		size, padding := length&(1<<56-1), uint64(0)
		if size == 0 {
			return
		}
		if length>>63 != 0 {
			padding = length >> 56 & 7
		}
		record := b[8 : 8+size]
		b = b[8+size+padding:]
		if typ, _ := readField(record, 0); typ.u != 2 {
			continue
		}
		var e raftpb.Entry
		testfixture.Must(t, proto.Unmarshal(lastBytes(record, 3), &e))
		for len(l.entries) > 0 && l.entries[len(l.entries)-1].Index >= e.GetIndex() {
			l.entries = l.entries[:len(l.entries)-1]
		}
		l.entries = append(l.entries, Entry{Term: e.GetTerm(), Index: e.GetIndex(), Type: uint32(e.GetType()), Data: e.Data})
	}
}

// lastBytes is what a message has in a field.
func lastBytes(msg []byte, num int) (b []byte) {
	for f := (fields{msg: msg}); f.next(); {
		if int(f.num) == num {
			b = f.b
		}
	}
	return b
}
