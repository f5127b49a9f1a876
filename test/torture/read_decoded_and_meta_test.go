//go:build linux

package torture

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/walfs/walfs/test/raftdir"
)

// decoded reads entries in decoded/ and compares the payloads in their JSON.
func (r *reader) decoded() {
	for _, name := range r.tail("decoded", ".json") {
		path := filepath.Join("decoded", name)
		f, direct, err := r.open(path)
		if err != nil {
			r.gone(path, err)
			continue
		}
		if want, ok := r.expect(f, "decoded", name); ok {
			text, err := r.readSomehow(f)
			if err != nil {
				r.gone(path, err)
			} else {
				r.compareDecoded(path, text, want, direct)
			}
		}
		f.Close()
	}
}

// tail gives the names of the entries at the log's end, and now and then some others.
func (r *reader) tail(folder, suffix string) (names []string) {
	if r.rng.IntN(10) == 0 {
		names = r.some(r.names(folder), 16)
	}
	if last, ok := r.number("meta/last_index"); ok {
		for i := last - min(last, 40); i <= last; i++ {
			names = append(names, fmt.Sprintf("%020d%s", i+1, suffix))
		}
	}
	return names
}

func (r *reader) compareDecoded(path string, text, want []byte, direct bool) {
	var d struct {
		Index, Term uint64
		Size        int
		Text        *string // of a payload that happens to be UTF-8
		Base64      []byte
	}
	if err := json.Unmarshal(text, &d); err != nil {
		wrong("%s: %v: %q", path, err, text)
	}
	if d.Text != nil {
		d.Base64 = []byte(*d.Text)
	}
	if d.Size != len(want) || !strings.HasSuffix(path, fmt.Sprintf("%d.json", d.Index)) ||
		!bytes.Equal(raftdir.Payload(d.Index, d.Term), want) {
		wrong("%s says %.200q", path, text)
	}
	r.compare(path, d.Base64, want, direct)
}

// read reads a file that is not an entry.
func (r *reader) read(path string) ([]byte, bool) {
	b, err := os.ReadFile(r.path(path))
	if err != nil {
		r.gone(path, err)
		return nil, false
	}
	r.Bytes += len(b)
	return b, true
}

func (r *reader) number(path string) (n uint64, ok bool) {
	b, ok := r.read(path)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(strings.TrimSuffix(string(b), "\n"), 10, 64)
	if err != nil || !bytes.HasSuffix(b, []byte("\n")) {
		wrong("%s says %q", path, b)
	}
	r.Right++
	return n, true
}

// meta reads status.json, meta/ and snapshots/: each file must be well-formed at any
// moment.
func (r *reader) meta() {
	for i := 0; i < 20 && !r.stopped(); i++ {
		var s struct {
			Entries  *uint64
			Problems *[]any
		}
		if b, ok := r.read("status.json"); ok {
			if err := json.Unmarshal(b, &s); err != nil || s.Entries == nil || s.Problems == nil {
				wrong("status.json: %v: %q", err, b)
			}
			r.Right++
		}
		for _, name := range []string{"raft_id", "group_id", "checkpoint_index", "snapshot_index", "snapshot_term",
			"first_index", "last_index", "hard_state/term", "hard_state/vote", "hard_state/commit"} {
			r.number("meta/" + name)
		}
		if b, ok := r.read("meta/conf_state/voters"); ok && len(b) > 0 && string(b) != "1\n" {
			wrong("meta/conf_state/voters says %q", b)
		}
		r.snapshots()
	}
}

var snapshotName = regexp.MustCompile(`^(\d{20})-(\d{20})$`)

func (r *reader) snapshots() {
	for _, name := range r.names("snapshots") {
		folder := "snapshots/" + name
		if name == "latest" {
			target, err := os.Readlink(r.path(folder))
			if err != nil {
				r.gone(folder, err)
				continue
			}
			name = target
		}
		m := snapshotName.FindStringSubmatch(name)
		if m == nil {
			wrong("%s leads to %q", folder, name)
		}
		term, _ := strconv.ParseUint(m[1], 10, 64)
		index, _ := strconv.ParseUint(m[2], 10, 64)
		folder = "snapshots/" + name
		if b, ok := r.read(folder + "/data"); ok {
			r.compare(folder+"/data", b, raftdir.Blob(index, term), false)
		}
		if b, ok := r.read(folder + "/snapshot.pb"); ok && !bytes.Contains(b, raftdir.Blob(index, term)) {
			wrong("%s/snapshot.pb has another blob", folder)
		}
		var md struct{ Index, Term uint64 }
		if b, ok := r.read(folder + "/metadata.json"); ok && (json.Unmarshal(b, &md) != nil || md.Index != index || md.Term != term) {
			wrong("%s/metadata.json says %q", folder, b)
		}
		if b, ok := r.read(folder + "/decoded.json"); ok && !json.Valid(b) {
			wrong("%s/decoded.json says %.200q", folder, b)
		}
	}
}

// native reads the directory's own files. Their bytes change all the time and are not
// compared; if they cannot be read, the error must be one to expect.
func (r *reader) native() {
	for _, name := range r.names("native") {
		f, err := os.Open(r.path("native", name))
		if err != nil {
			r.gone(name, err)
			continue
		}
		if _, err := io.Copy(io.Discard, io.LimitReader(f, 12<<20)); err != nil {
			r.gone(name, err)
		} else {
			r.Right++
		}
		f.Close()
	}
}

// held opens entries at the log's end and then reads them slowly, so that the writer
// rewrites some of them while they are open.
func (r *reader) held() {
	names := r.tail("entries", "")
	names = names[max(len(names)-16, 0):]
	type open struct {
		*os.File
		direct bool
		path   string
		want   []byte
	}
	var files []open
	for _, name := range names {
		path := "entries/" + name
		f, direct, err := r.open(path)
		if err != nil {
			r.gone(path, err)
			continue
		}
		if want, ok := r.expect(f, "entries", name); ok {
			files = append(files, open{f, direct, path, want})
		} else {
			f.Close()
		}
	}
	for _, f := range files {
		got, err := r.pieces(f.File, 1+r.rng.IntN(97)+len(f.want)/200, func() { time.Sleep(time.Millisecond) })
		if err != nil {
			// What came before the error must be right, too.
			if !bytes.HasPrefix(f.want, got) {
				wrong("%s, before %v: %s", f.path, err, difference(got, f.want))
			}
			r.gone(f.path, err)
		} else {
			r.compare(f.path, got, f.want, f.direct)
		}
		f.Close()
	}
}
