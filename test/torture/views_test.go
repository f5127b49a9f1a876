package torture

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/walfs/walfs/test/raftdir"
)

// decoded compares the entries that decoded/ shows.
func (r *reader) decoded() {
	for _, name := range r.tail("decoded", ".json") {
		path := filepath.Join("decoded", name)
		f, err := os.Open(r.path(path))
		if err != nil {
			r.gone(path, err)
			continue
		}
		if want, ok := r.expect(f, "decoded", name); ok {
			text, err := r.readSomehow(f)
			if err != nil {
				r.gone(path, err)
			} else {
				r.compareDecoded(path, text, want)
			}
		}
		f.Close()
	}
}

// tail gives names at the log's end, and a few others.
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

func (r *reader) compareDecoded(path string, text, want []byte) {
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
	r.compare(path, d.Base64, want)
}

// read reads a file that is no entry's.
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

// meta reads what is not entries: all of it must parse at any moment.
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
			r.compare(folder+"/data", b, raftdir.Blob(index, term))
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

// native reads the directory's own files. What they hold is for the moment of
// each read to say: only how they fail is looked at.
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

// held reads entries at the log's end slowly, while they are rewritten.
func (r *reader) held() {
	names := r.tail("entries", "")
	names = names[max(len(names)-16, 0):]
	type open struct {
		*os.File
		path string
		want []byte
	}
	var files []open
	for _, name := range names {
		path := "entries/" + name
		f, err := os.Open(r.path(path))
		if err != nil {
			r.gone(path, err)
			continue
		}
		if want, ok := r.expect(f, "entries", name); ok {
			files = append(files, open{f, path, want})
		} else {
			f.Close()
		}
	}
	for _, f := range files {
		got, err := r.pieces(f.File, 1+r.rng.IntN(97), func() { time.Sleep(time.Millisecond) })
		if err != nil {
			// What came before the error must be right, too.
			if !bytes.HasPrefix(f.want, got) {
				wrong("%s, before %v: %s", f.path, err, difference(got, f.want))
			}
			r.gone(f.path, err)
		} else {
			r.compare(f.path, got, f.want)
		}
		f.Close()
	}
}

// tools lets other programs read.
func (r *reader) tools() {
	for _, folder := range []string{"terms", "files"} {
		if below := r.names(folder); len(below) > 0 {
			r.tar(filepath.Join(folder, below[len(below)-1]))
		}
	}
	r.tar([]string{"types", "types/conf_change", "meta", "entries"}[r.Rounds%4])
	r.tell()
	r.run("find", r.at, "-type", "f", "-size", "+0")
	out := r.run("grep", "-rac", "walfs", r.path("entries"))
	matched := bytes.Count(out, []byte{'\n'}) - bytes.Count(out, []byte(":0\n"))
	r.Right += matched
	r.run("sh", "-c", `cd "$1/entries" && ls | tail -n 200 | xargs cat`, "sh", r.at)
	r.run("sh", "-c", `cd "$1" && cat meta/*_index status.json && ls -lR types snapshots`, "sh", r.at)
}

// run runs a program. Files that go while it runs make it fail; it must end,
// though, and by itself.
func (r *reader) run(name string, args ...string) []byte {
	var out, stderr bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = &out, &stderr
	err := r.start(cmd)
	if err == nil {
		err = cmd.Wait()
	}
	var exit *exec.ExitError
	if r.stopped() {
		return nil
	}
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() < 0) {
		wrong("%s: %v: %s", name, err, stderr.Bytes())
	}
	for line := range strings.Lines(stderr.String()) {
		r.gone(name, said(line))
	}
	return out.Bytes()
}

// start starts a program that ends when the reader is to stop.
func (r *reader) start(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	err := cmd.Start()
	if err == nil {
		r.running.Store(cmd.Process)
		if r.stopped() {
			r.kill()
		}
	}
	return err
}

// said is the error that a tool's message tells of.
func said(line string) error {
	for _, message := range []string{"Input/output error", "No such file or directory", "Stale file handle",
		// tar's own words.
		"File removed before we read it", "file changed as we read it", "Exiting with failure status"} {
		if strings.Contains(line, message) {
			return syscall.ENOENT
		}
	}
	return errors.New(line)
}

// tar compares what an archive holds. Its times have nanoseconds, which are
// the terms.
func (r *reader) tar(folders ...string) {
	args := append([]string{"--format=posix", "-c", "-C", r.at}, folders...)
	cmd := exec.Command("tar", args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	pipe, err := cmd.StdoutPipe()
	if err == nil {
		err = r.start(cmd)
	}
	if err != nil {
		wrong("tar: %v", err)
	}
	type odd struct{ path, why string }
	var odds []odd
	for archive := tar.NewReader(pipe); ; {
		h, err := archive.Next()
		if err == io.EOF {
			break
		}
		if r.stopped() {
			cmd.Wait() // it is killed
			return
		}
		if err != nil {
			wrong("tar's archive: %v", err)
		}
		if h.Typeflag != tar.TypeReg || strings.HasPrefix(h.Name, "meta/") {
			continue
		}
		got, err := io.ReadAll(archive)
		if r.stopped() {
			continue
		}
		index, _ := strconv.ParseUint(filepath.Base(h.Name), 10, 64)
		want := raftdir.Payload(index, uint64(h.ModTime.Nanosecond()))
		if err != nil || !bytes.Equal(got, want) {
			odds = append(odds, odd{h.Name, difference(got, want)})
			continue
		}
		r.Right++
		r.Bytes += len(got)
	}
	cmd.Wait() // what it says on stderr tells more
	unread := map[string]bool{}
	for line := range strings.Lines(stderr.String()) {
		r.gone("tar", said(line))
		if path, _, ok := strings.Cut(strings.TrimPrefix(line, "tar: "), ": Read error"); ok {
			unread[path] = true
		}
	}
	for _, o := range odds {
		// tar fills up with zeros what it could not read, and says so.
		if !unread[o.path] {
			wrong("tar of %s: %s; it said %.300q", o.path, o.why, stderr.String())
		}
	}
}
