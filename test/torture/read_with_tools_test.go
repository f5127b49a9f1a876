//go:build linux

package torture

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/walfs/walfs/test/raftdir"
)

// tools run other programs that read a place, by the program's name, and check what
// they print.
var tools = map[string]func(*reader, place) seen{
	"find": (*reader).find,
	"cat":  (*reader).cat,
	"grep": (*reader).grep,
	"tar":  (*reader).tar,
}

// place is what a tool is to read: a folder, or the last names of a large one. A tool
// that reads only so much ends, however fast the writer is.
type place struct {
	folder string
	term   uint64 // of all entries in it; 0: they may have different terms
	names  []string
	args   []string // paths for the tool, relative to the mount
}

const (
	largeFolder = 2000
	lastNames   = 200
)

// seen is what a tool has printed about a place.
type seen struct {
	right      map[string]bool // names of entries that it has read right
	unreadable map[string]bool // names that it could not read
	gone       bool            // it could not read the folder itself
}

// tools has each of them read, each time from another view.
func (r *reader) tools() {
	for i, tool := range slices.Sorted(maps.Keys(tools)) {
		if r.stopped() {
			return
		}
		view := []string{"entries", "terms", "types", "files"}[(r.Rounds+i)%4]
		p, ok := r.place(view)
		if !ok {
			continue
		}
		s := tools[tool](r, p)
		if s.gone {
			continue
		}
		if p.term != 0 && tool != "cat" { // cat reads only some
			r.wantAll(tool, p, s)
		}
		if r.Right += len(s.right); len(s.right) > 0 {
			r.Uses[tool]++
			r.print()
		}
	}
}

// place chooses one of a view's newest folders.
func (r *reader) place(view string) (p place, ok bool) {
	p.folder = view
	if view != "entries" {
		below := r.names(view)
		if len(below) == 0 {
			return p, false
		}
		sub := below[len(below)-1-r.rng.IntN(min(len(below), 3))]
		if view == "terms" {
			p.term, _ = strconv.ParseUint(sub, 10, 64)
		}
		p.folder = filepath.Join(view, sub)
	}
	p.names, p.args = r.names(p.folder), []string{p.folder}
	if r.isLarge(p) {
		p.names, p.args = p.names[max(len(p.names)-lastNames, 0):], nil
		for _, name := range p.names {
			p.args = append(p.args, filepath.Join(p.folder, name))
		}
	}
	return p, len(p.names) > 0
}

// isLarge reports whether a folder has many entries, or large ones (of which there is
// one in four).
func (r *reader) isLarge(p place) bool {
	for _, name := range p.names[max(len(p.names)-4, 0):] {
		if st, err := os.Stat(r.path(p.folder, name)); err == nil && st.Size() > 1<<20 {
			return true
		}
	}
	return len(p.names) > largeFolder
}

// wantAll fails unless a tool has seen every entry that was in a term's folder both
// before and after it ran. Such an entry was there all the time: one that is gone
// does not come back with the same term.
func (r *reader) wantAll(tool string, p place, s seen) {
	before := map[string]bool{}
	for _, name := range p.names {
		before[name] = true
	}
	for _, name := range r.names(p.folder) {
		if index := indexOf(name); before[name] && !s.right[name] && !s.unreadable[name] && (tool != "grep" || len(raftdir.Payload(index, p.term)) > 0) {
			wrong("%s of %s passes over %s, which was there before and after", tool, p.folder, name)
		}
	}
}

func indexOf(name string) uint64 {
	index, err := strconv.ParseUint(name, 10, 64)
	if err != nil {
		wrong("%q is the name of no entry", name)
	}
	return index
}

// find checks the sizes that find prints, and the terms: a file's time has them as its
// nanoseconds.
func (r *reader) find(p place) seen {
	out, s := r.run(p, "find", append(p.args, "-type", "f", "-printf", `%f %s %T@\n`)...)
	for line := range strings.Lines(string(out)) {
		var name, at string
		var size int
		if _, err := fmt.Sscan(line, &name, &size, &at); err != nil {
			wrong("find of %s says %q", p.folder, line)
		}
		_, fraction, _ := strings.Cut(at, ".")
		term, _ := strconv.ParseUint((fraction + "000000000")[:9], 10, 64)
		index := indexOf(name)
		if p.term != 0 && term != p.term {
			wrong("find of %s says %q", p.folder, line)
		}
		if size != len(raftdir.Payload(index, term)) {
			// The size of an entry that is gone may be wrong.
			if r.stillThere(p.folder, name, term) {
				wrong("find of %s says %q, want %d bytes", p.folder, line, len(raftdir.Payload(index, term)))
			}
			s.unreadable[name] = true
			continue
		}
		s.right[name] = true
	}
	return s
}

// stillThere reports whether the file at a name still is the entry of the term and can
// be read.
func (r *reader) stillThere(folder, name string, term uint64) bool {
	f, err := os.Open(r.path(folder, name))
	if err != nil {
		r.gone(name, err)
		return false
	}
	defer f.Close()
	if want, ok := r.expect(f, folder, name); !ok || !bytes.Equal(want, raftdir.Payload(indexOf(name), term)) {
		return false
	}
	if _, err := io.Copy(io.Discard, f); err != nil {
		r.gone(name, err)
		return false
	}
	return true
}

// cat runs cat for a few files, once for each, so that it is clear which bytes are
// from which file.
func (r *reader) cat(p place) seen {
	all := seen{right: map[string]bool{}}
	for _, name := range r.some(p.names, 4) {
		path := filepath.Join(p.folder, name)
		out, s := r.run(p, "cat", path)
		want, known := derived(p, name, out)
		failed := s.gone || s.unreadable[name]
		if known && !bytes.Equal(out, want) && !(failed && bytes.HasPrefix(want, out)) {
			wrong("cat of %s: %s", path, difference(out, want))
		}
		if !failed && known {
			all.right[name] = true
			r.Bytes += len(out)
		}
	}
	return all
}

// derived is what a file must hold. If the place does not say the term, the first line
// that was read does.
func derived(p place, name string, got []byte) (want []byte, known bool) {
	index, term := indexOf(name), p.term
	if term == 0 {
		line, _, whole := bytes.Cut(got, []byte("\n"))
		var i uint64
		if n, _ := fmt.Sscanf(string(line), "walfs log %d %d", &i, &term); n < 2 || !whole {
			if len(got) > 48 {
				wrong("cat of %s/%s: %.60q", p.folder, name, got)
			}
			return nil, false // nothing was read, or too little to know
		}
	}
	return raftdir.Payload(index, term), true
}

// grep searches for the line with index and term that every payload begins with.
func (r *reader) grep(p place) seen {
	out, s := r.run(p, "grep", append([]string{"-raHoxE", "walfs log [0-9]+ [0-9]+"}, p.args...)...)
	for line := range strings.Lines(string(out)) {
		path, match, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		var index, term uint64
		name := filepath.Base(path)
		if n, _ := fmt.Sscanf(match, "walfs log %d %d", &index, &term); n < 2 || index != indexOf(name) || p.term != 0 && term != p.term {
			wrong("grep of %s says %q", p.folder, line)
		}
		s.right[name] = true
	}
	return s
}

// tar makes an archive and compares what it holds. The nanoseconds of its times are
// the terms.
func (r *reader) tar(p place) seen {
	out, s := r.run(p, "tar", append([]string{"--format=posix", "-c"}, p.args...)...)
	for archive := tar.NewReader(bytes.NewReader(out)); ; {
		h, err := archive.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			wrong("tar's archive: %v", err)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		name := filepath.Base(h.Name)
		term := uint64(h.ModTime.Nanosecond())
		want := raftdir.Payload(indexOf(name), term)
		got, err := io.ReadAll(archive)
		if s.unreadable[name] { // tar has put zeros in the place of its bytes
			if r.stillThere(p.folder, name, term) {
				wrong("tar cannot read %s, term %d, which can be read", h.Name, term)
			}
			continue
		}
		if err != nil || p.term != 0 && term != p.term || !bytes.Equal(got, want) {
			wrong("tar of %s, term %d: %s (%v)", h.Name, term, difference(got, want), err)
		}
		s.right[name] = true
		r.Bytes += len(got)
	}
	return s
}

// run runs a program in the mount. It may fail, since files are removed while it runs;
// it may not be ended by a signal.
func (r *reader) run(p place, name string, args ...string) (out []byte, s seen) {
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = r.at, append(os.Environ(), "LC_ALL=C")
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() < 0) {
		wrong("%s: %v: %s", name, err, stderr.Bytes())
	}
	s = seen{right: map[string]bool{}, unreadable: map[string]bool{}}
	for line := range strings.Lines(stderr.String()) {
		r.gone(name, said(line))
		m := complaint.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		if m[1] == p.folder {
			s.gone = true
		}
		s.unreadable[filepath.Base(m[1])] = true
	}
	return stdout.Bytes(), s
}

// complaint is a tool's message that it could not read a path. tar's message that a
// folder has changed while it was read is not one.
var complaint = regexp.MustCompile(`^\w+: '?([\w./]+)'?: (?:Cannot|Read error|File shrank|File removed|Input|No such|Stale)`)

// said turns a tool's message into an error: ENOENT for each message that a reader must
// expect.
func said(line string) error {
	for _, message := range []string{"Input/output error", "No such file or directory", "Stale file handle",
		// These are tar's own. It says that a file has shrunk when it reads fewer
		// bytes than it wanted, as it does when an error comes half-way.
		"File removed before we read it", "File shrank by", "file changed as we read it", "Exiting with failure status"} {
		if strings.Contains(line, message) {
			return syscall.ENOENT
		}
	}
	return errors.New(line)
}
