//go:build linux

package torture

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/walfs/walfs/test/raftdir"
)

// readers are what the child processes do, by kind: a process does its round again
// and again until SIGTERM, and prints its tally now and then.
var readers = map[string]func(*reader){
	"entries": func(r *reader) { r.entries("entries") },
	"terms":   func(r *reader) { r.below("terms") },
	"types":   func(r *reader) { r.below("types") },
	"files":   func(r *reader) { r.below("files"); r.native() },
	"decoded": (*reader).decoded,
	"meta":    (*reader).meta,
	"held":    (*reader).held,
	"tools":   (*reader).tools,
}

// tally counts what a reader has seen.
type tally struct {
	Rounds int
	Right  int            // files that were read whole and were right
	Direct int            // those of them that were read without the kernel's cache
	Bytes  int            // of files that were read whole
	Gone   int            // reads that failed as they must when an entry is gone
	Uses   map[string]int // by tool: runs in which it has read something right
}

type reader struct {
	tally
	at      string // the mount
	rng     *rand.Rand
	stop    atomic.Bool
	printed time.Time // when the tally was
}

// readerMain is a reader's main.
func readerMain(kind, at string) int {
	r := &reader{tally: tally{Uses: map[string]int{}}, at: at, rng: rand.New(rand.NewPCG(uint64(os.Getpid()), 0))}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	go func() {
		<-stop
		r.stop.Store(true)
	}()
	for {
		readers[kind](r)
		if r.stopped() {
			break
		}
		r.Rounds++
		r.printSometimes()
	}
	r.print()
	return 0
}

// print prints the tally.
func (r *reader) print() {
	if err := json.NewEncoder(os.Stdout).Encode(r.tally); err != nil {
		wrong("stdout: %v", err)
	}
	r.printed = time.Now()
}

func (r *reader) printSometimes() {
	if time.Since(r.printed) > 200*time.Millisecond {
		r.print()
	}
}

func (r *reader) stopped() bool { return r.stop.Load() }

// wrong ends the process: it has read something that is neither right nor an error.
func wrong(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "wrong: "+format+"\n", args...)
	os.Exit(1)
}

// gone counts an error that rewritten and removed entries give. Any other error is
// wrong.
func (r *reader) gone(path string, err error) {
	for _, expected := range []syscall.Errno{syscall.EIO, syscall.ENOENT, syscall.ESTALE} {
		if errors.Is(err, expected) {
			r.Gone++
			return
		}
	}
	wrong("%s: %v", path, err)
}

func (r *reader) path(parts ...string) string {
	return filepath.Join(append([]string{r.at}, parts...)...)
}

// open opens an entry's file, one time in three with O_DIRECT, with which each read
// asks the mount and not the kernel's cache.
func (r *reader) open(path string) (f *os.File, direct bool, err error) {
	flags := os.O_RDONLY
	if direct = r.rng.IntN(3) == 0; direct {
		flags |= syscall.O_DIRECT
	}
	f, err = os.OpenFile(r.path(path), flags, 0)
	return f, direct, err
}

// names lists a folder, in its order.
func (r *reader) names(folder string) []string {
	f, err := os.Open(r.path(folder))
	if err != nil {
		r.gone(folder, err)
		return nil
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	if err != nil {
		r.gone(folder, err)
	}
	if !slices.IsSorted(names) {
		wrong("%s is not listed in order", folder)
	}
	return names
}

// some picks names of a long list: a few from anywhere, and the last few, where the
// writer is at work.
func (r *reader) some(names []string, few int) []string {
	if len(names) <= 2*few {
		return names
	}
	picked := slices.Clone(names[len(names)-few:])
	for range few {
		picked = append(picked, names[r.rng.IntN(len(names))])
	}
	return picked
}

// entries reads a folder of entries: those at the log's end by their names, without
// a list, and now and then some that it lists.
func (r *reader) entries(folder string) {
	last, ok := r.number("meta/last_index")
	for i := uint64(0); ok && i < 70 && last+10 > i; i++ {
		// The same entry by both its names. It may not be there yet.
		r.entry(folder, strconv.FormatUint(last+10-i, 10))
		r.entry(folder, fmt.Sprintf("%020d", last+10-i))
	}
	if r.rng.IntN(10) == 0 {
		r.listed(folder)
	}
}

func (r *reader) listed(folder string) {
	for _, name := range r.some(r.names(folder), 64) {
		r.entry(folder, name)
	}
}

// below reads entries in some of a folder's folders.
func (r *reader) below(folder string) {
	for _, sub := range r.some(r.names(folder), 2) {
		if !r.stopped() {
			r.entries(filepath.Join(folder, sub))
		}
	}
}

// entry reads an entry's file whole and compares it.
func (r *reader) entry(folder, name string) {
	path := filepath.Join(folder, name)
	f, direct, err := r.open(path)
	if err != nil {
		r.gone(path, err)
		return
	}
	defer f.Close()
	want, ok := r.expect(f, folder, name)
	if !ok {
		return
	}
	got, err := r.readSomehow(f)
	if err != nil {
		r.gone(path, err)
		return
	}
	r.compare(path, got, want, direct)
}

// expect derives what an open file must hold from its inode and time, which say index
// and term.
func (r *reader) expect(f *os.File, folder, name string) (want []byte, ok bool) {
	path := filepath.Join(folder, name)
	var st syscall.Stat_t
	if err := syscall.Fstat(int(f.Fd()), &st); err != nil {
		r.gone(path, err)
		return nil, false
	}
	index, err := strconv.ParseUint(strings.TrimSuffix(name, ".json"), 10, 64)
	term := uint64(st.Mtim.Nsec)
	if inode := st.Ino & (1<<44 - 1); err != nil || inode != index {
		wrong("%s has the inode of entry %d", path, inode)
	}
	switch top, sub, _ := strings.Cut(folder, "/"); top {
	case "terms":
		if n, err := strconv.ParseUint(sub, 10, 64); err != nil || n != term {
			wrong("%s has term %d", path, term)
		}
	case "types":
		if want := []string{"normal", "conf_change", "conf_change_v2"}[raftdir.TypeOf(index)]; sub != want {
			wrong("%s belongs to %s", path, want)
		}
	}
	want = raftdir.Payload(index, term)
	if folder != "decoded" && st.Size != int64(len(want)) {
		// The size of an entry that is gone may be wrong, as long as the entry
		// cannot be read.
		if _, err := f.ReadAt(make([]byte, 1), 0); err != nil && err != io.EOF {
			r.gone(path, err)
			return nil, false
		}
		wrong("%s, term %d, has %d bytes, want %d", path, term, st.Size, len(want))
	}
	return want, true
}

// readSomehow reads a file at once, in pieces, or from its end to its beginning.
func (r *reader) readSomehow(f *os.File) ([]byte, error) {
	switch r.rng.IntN(4) {
	case 0:
		return r.pieces(f, 1+r.rng.IntN(5000), nil)
	case 1:
		return r.backwards(f)
	}
	return io.ReadAll(f)
}

// pieces reads n bytes at a time, and calls between, if there is one, after each.
func (r *reader) pieces(f *os.File, n int, between func()) (all []byte, err error) {
	buf := make([]byte, n)
	for {
		n, err := f.Read(buf)
		all = append(all, buf[:n]...)
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		if between != nil {
			between()
		}
	}
}

func (r *reader) backwards(f *os.File) ([]byte, error) {
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	all := make([]byte, st.Size())
	for end := len(all); end > 0; {
		start := max(end-1-r.rng.IntN(9000), 0)
		if n, err := f.ReadAt(all[start:end], int64(start)); err != nil {
			if err == io.EOF {
				wrong("%s ends at %d, its size is %d", f.Name(), start+n, len(all))
			}
			return nil, err
		}
		end = start
	}
	return all, nil
}

func (r *reader) compare(path string, got, want []byte, direct bool) {
	if !bytes.Equal(got, want) {
		wrong("%s: %s", path, difference(got, want))
	}
	r.Right++
	if direct {
		r.Direct++
	}
	r.Bytes += len(got)
	r.printSometimes()
}

func difference(got, want []byte) string {
	i := 0
	for i < min(len(got), len(want)) && got[i] == want[i] {
		i++
	}
	what := ""
	if rest := got[i:]; len(rest) > 0 && len(bytes.Trim(rest, "\x00")) == 0 {
		what = "; zeros from there on"
	}
	return fmt.Sprintf("%d bytes, want %d; they differ at %d%s: got %.40x, want %.40x", len(got), len(want), i, what, got[i:], want[i:])
}
