package payload

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	testfixture "github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
)

// readHashicorpLog reads the segments of a fixture on raft-wal with nothing but the
// facts of the format. An index that is there twice has the later segment's entry.
func readHashicorpLog(t testing.TB, name string) map[uint64]Entry {
	t.Helper()
	path, ok := fixture(name + ".tar.gz")
	if !ok {
		t.Fatalf("fixture %s is missing", name)
	}
	f, err := os.Open(path)
	testfixture.Must(t, err)
	defer f.Close()
	zip, err := gzip.NewReader(bufio.NewReader(f))
	testfixture.Must(t, err)
	segments := map[string][]byte{}
	for archive := tar.NewReader(zip); ; {
		header, err := archive.Next()
		if err == io.EOF {
			break
		}
		testfixture.Must(t, err)
		if strings.HasSuffix(header.Name, ".wal") {
			segments[header.Name], err = io.ReadAll(archive)
			testfixture.Must(t, err)
		}
	}
	entries := map[uint64]Entry{}
	for _, name := range slices.Sorted(maps.Keys(segments)) {
		segment := segments[name]
		for at := 32; at+8 <= len(segment) && segment[at] != 0; {
			kind, size := segment[at], int(binary.LittleEndian.Uint32(segment[at+4:]))
			at += 8
			if kind == 3 { // a commit, whose size is its checksum
				continue
			}
			if kind == 1 {
				e := hashicorpEntry(segment[at : at+size])
				entries[e.Index] = e
			}
			at += (size + 7) &^ 7
		}
	}
	return entries
}

func hashicorpEntry(b []byte) Entry {
	var n [4]uint64 // index, term, type, length of the data
	for i := range n {
		u, size := binary.Uvarint(b)
		n[i], b = u, b[size:]
	}
	return Entry{Index: n[0], Term: n[1], Type: uint32(walcore.LogCommand) + uint32(n[2]), Data: b[:n[3]]}
}

// TestHashicorpFixtures: each entry of the manifest decodes, and tokens are hidden.
func TestHashicorpFixtures(t *testing.T) {
	names := []string{"hashicorp-wal-n2"}
	if testfixture.Full() && testfixture.Has("hashicorp-wal-n1") {
		names = append(names, "hashicorp-wal-n1")
	}
	for _, name := range names {
		entries := readHashicorpLog(t, name)
		d, open := NewHashiCorp(Options{}), NewHashiCorp(Options{ShowSecrets: true})
		seen, first := 0, true
		testfixture.Lines(t, name, "manifest", func(line []byte) {
			if first {
				first = false
				return
			}
			var want struct {
				Index, Term  uint64
				Type, SHA256 string
				Size         int
			}
			testfixture.Must(t, json.Unmarshal(line, &want))
			e := entries[want.Index]
			if sum := sha256.Sum256(e.Data); hex.EncodeToString(sum[:]) != want.SHA256 {
				t.Fatalf("entry %d is not read as it is", want.Index)
			}
			seen++
			text, _ := d.AppendJSON(nil, e)
			compact, _ := d.AppendCompact(nil, e)
			if want.Index%100 == 0 {
				checkLayout(t, text)
			}
			got := parse(t, text)
			if string(mustJSON(t, got)) != string(mustJSON(t, parse(t, compact))) {
				t.Fatalf("entry %d: the compact form differs", e.Index)
			}
			if got["type"] != want.Type {
				t.Fatalf("entry %d: type %v, want %s", e.Index, got["type"], want.Type)
			}
			if strings.Contains(string(text), "secret-token") {
				t.Fatalf("entry %d shows a token: %s", e.Index, text)
			}
			var s Summary
			_ = d.Summarize(&s, e)
			switch want.Type {
			case "LogCommand":
				m := got["message"].(map[string]any)
				dir := m["DirEnt"].(map[string]any)
				if got["message_type"] != "KVS" || m["Token"] != "[redacted]" || m["Datacenter"] != "dc1" || s.Kind != KindKVS ||
					!strings.HasPrefix(dir["Value"].(string), "value ") {
					t.Fatalf("entry %d: %s", e.Index, text)
				}
				if line := "KVS " + m["Op"].(string) + " " + dir["Key"].(string); string(s.Line) != line {
					t.Fatalf("entry %d: summary %q, want %q", e.Index, s.Line, line)
				}
				if keys := slices.Collect(s.StoredKeys()); len(keys) != 1 || string(keys[0]) != dir["Key"] {
					t.Fatalf("entry %d: keys %q", e.Index, keys)
				}
				if shown, _ := open.AppendJSON(nil, e); !strings.Contains(string(shown), `"Token": "secret-token-`) {
					t.Fatalf("entry %d does not show its token: %s", e.Index, shown)
				}
			case "LogConfiguration":
				if s.Kind != KindConfiguration || len(s.Servers) < 3 || s.Servers[0] != "node-1" {
					t.Fatalf("entry %d: %s %v", e.Index, text, s.Servers)
				}
			default:
				if s.Kind != KindNoop && s.Kind != KindBarrier {
					t.Fatalf("entry %d: kind %s", e.Index, s.Kind)
				}
			}
		})
		if seen == 0 {
			t.Fatalf("%s: no entries", name)
		}
	}
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	testfixture.Must(t, err)
	return b
}
