package main

import (
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/walfs/walfs/test/etcdlog"
	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore/bolt"
)

const secretMarker = "hush-Hush"

// etcdWithSecrets makes a directory of etcd's: entry 1 stores a Secret of Kubernetes as JSON.
func etcdWithSecrets(t *testing.T) string {
	t.Helper()
	field := func(num protowire.Number, b string) string {
		return string(protowire.AppendString(protowire.AppendTag(nil, num, protowire.BytesType), b))
	}
	value := `{"kind":"Secret","apiVersion":"v1","metadata":{"name":"x"},"data":{"p":"` + secretMarker + `"}}`
	dir := t.TempDir()
	w, err := etcdlog.Create(dir, etcdlog.Options{SegmentSize: 1 << 16})
	fixture.Must(t, err)
	fixture.Must(t, w.Append(etcdlog.Entry{Term: 1, Index: 1, Data: []byte(field(4, field(1, "/registry/secrets/ns/x")+field(2, value)))}))
	fixture.Must(t, w.State(1, 1, 1))
	fixture.Must(t, w.Close())
	return dir
}

// boltItems are the keys and values of a bucket.
type boltItems [][2]string

func (b boltItems) Len() int                    { return len(b) }
func (b boltItems) Key(i int) []byte            { return []byte(b[i][0]) }
func (b boltItems) ValueSize(i int) int         { return len(b[i][1]) }
func (b boltItems) Value(i int) ([]byte, error) { return []byte(b[i][1]), nil }

// consulWithChunks makes a directory of Consul's: entries 1 and 2 are a command in two parts.
func consulWithChunks(t *testing.T) string {
	t.Helper()
	number := func(n uint64) string { return string(binary.BigEndian.AppendUint64(nil, n)) }
	entry := func(index byte, data, info string) [2]string {
		return [2]string{number(uint64(index)), "\x86\xa5Index" + string(index) + "\xa4Term\x01\xa4Type\x00\xa4Data\xc4" + string(byte(len(data))) + data +
			"\xaaExtensions\xc4" + string(byte(len(info))) + info + "\xaaAppendedAt\xc0"}
	}
	command := "\x02\x82\xa3Key\xa1k\xa5Value\xa9" + secretMarker
	built := bolt.Build(4096, []bolt.Bucket{
		{Name: "conf", Items: boltItems{{"CurrentTerm", number(1)}}},
		{Name: "logs", Items: boltItems{entry(1, command[:15], "\x08\x11\x18\x02"), entry(2, command[15:], "\x08\x11\x10\x01\x18\x02")}},
	})
	b, err := io.ReadAll(io.NewSectionReader(built, 0, 1<<20))
	fixture.Must(t, err)
	dir := t.TempDir()
	fixture.Must(t, os.WriteFile(filepath.Join(dir, "raft.db"), b, 0o600))
	return dir
}

// TestSecretsOfOthers: no command shows one of etcd's or Consul's, unless it is asked to.
func TestSecretsOfOthers(t *testing.T) {
	for _, tt := range []struct {
		dir, entry, file, line string
	}{
		{etcdWithSecrets(t), "1", "0000000000000000-0000000000000000.wal", "put /registry/secrets/ns/x v1 Secret 84 bytes\n"},
		{consulWithChunks(t), "2", "raft.db", "chunk 2 of 2 of operation 17, 9 bytes\n"},
	} {
		for _, args := range [][]string{
			{"dump"}, {"dump", "--grep", "redacted"}, {"cat", tt.dir, "decoded/" + tt.entry + ".json"}, {"cat", tt.dir, "jsonl/" + tt.file + ".jsonl"},
			{"ls", "-l", tt.dir, "decoded"}, {"explain"}, {"stats"}, {"diff", tt.dir},
		} {
			if args[0] != "cat" && args[0] != "ls" {
				args = append(args, tt.dir)
			}
			text := ok(t, args...)
			if strings.Contains(text, secretMarker) {
				t.Errorf("%q: %s", args, text)
			}
			if args[0] == "dump" && !strings.Contains(text, tt.line) {
				t.Errorf("%q: %s", args, text)
			}
			if args[0] == "cat" && (!strings.Contains(text, "[redacted]") || !strings.Contains(ok(t, append(args, "--show-secrets")...), secretMarker)) {
				t.Errorf("%q: %s", args, text)
			}
		}
		if text := walfs(t, "dump", "--grep", secretMarker, tt.dir).stdout; strings.Contains(text, tt.line) {
			t.Errorf("a secret is found: %s", text)
		}
		if text := ok(t, "dump", "--show-secrets", "--grep", secretMarker, tt.dir); !strings.Contains(text, tt.line) {
			t.Errorf("a secret is not found: %s", text)
		}
	}
}
