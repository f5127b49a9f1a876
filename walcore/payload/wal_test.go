package payload

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	testfixture "github.com/walfs/walfs/test/fixture"
)

func fixture(name string) (path string, ok bool) {
	path = testfixture.Path(name)
	return path, path != ""
}

// A log as it is on disk: the entries of its files in order, and of wal.meta
// the group id and the snapshot blob.
type testLog struct {
	groupID  uint64
	snapshot []byte // raftpb.Snapshot
	entries  []Entry
}

// readLog reads a fixture with nothing but the facts of the format: slots of 32
// bytes (term, index, offset, type) up to index 0, and length-prefixed data.
func readLog(t testing.TB, path string) testLog {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	zip, err := gzip.NewReader(bufio.NewReader(f))
	if err != nil {
		t.Fatal(err)
	}
	var log testLog
	var files [][]Entry
	for archive := tar.NewReader(zip); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case strings.HasSuffix(header.Name, ".wal"):
			if entries := readFile(t, archive); len(entries) > 0 {
				files = append(files, entries)
			}
		case strings.HasSuffix(header.Name, "wal.meta"):
			meta, err := io.ReadAll(archive)
			if err != nil {
				t.Fatal(err)
			}
			log.groupID = binary.BigEndian.Uint64(meta[8:])
			n := binary.BigEndian.Uint32(meta[1040:])
			log.snapshot = meta[1044 : 1044+n]
		}
	}
	slices.SortFunc(files, func(x, y []Entry) int { return int(x[0].Index) - int(y[0].Index) })
	log.entries = slices.Concat(files...)
	return log
}

func readFile(t testing.TB, r io.Reader) []Entry {
	t.Helper()
	slots := make([]byte, 1<<20)
	if _, err := io.ReadFull(r, slots); err != nil {
		t.Fatal(err)
	}
	var entries []Entry
	at := uint64(len(slots)) // payloads follow each other, so reading on is enough
	for ; binary.BigEndian.Uint64(slots[8:]) != 0; slots = slots[32:] {
		offset := binary.BigEndian.Uint64(slots[16:])
		if _, err := io.CopyN(io.Discard, r, int64(offset-at)); err != nil {
			t.Fatal(err)
		}
		var length [4]byte
		if _, err := io.ReadFull(r, length[:]); err != nil {
			t.Fatal(err)
		}
		data := make([]byte, binary.BigEndian.Uint32(length[:]))
		if _, err := io.ReadFull(r, data); err != nil {
			t.Fatal(err)
		}
		at = offset + 4 + uint64(len(data))
		entries = append(entries, Entry{
			Term:  binary.BigEndian.Uint64(slots),
			Index: binary.BigEndian.Uint64(slots[8:]),
			Type:  uint32(binary.BigEndian.Uint64(slots[24:])),
			Data:  data,
		})
	}
	return entries
}

// parse reads JSON and fails the test if it is none.
func parse(t testing.TB, text []byte) map[string]any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v map[string]any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("not JSON: %v\n%.2000s", err, text)
	}
	return v
}
