package dgraph

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/nativelog"
	"github.com/walfs/walfs/walcore/format"
	"go.etcd.io/raft/v3/raftpb"
)

// TestDescribe runs the texts in testdata/describe: each makes a directory, damages
// it, and says what its bytes are, what a reader shows, which problems are listed,
// and what opening it for writing would do. -rewrite puts down what is so now: read
// the difference before you commit it.
//
//	make [commit=N] [term=N] [snapshot=INDEX [snapshot-term=N]]
//	                                                        a line an entry: TERM INDEX TYPE DATA
//	fixture name=NAME                                       a directory that Dgraph wrote
//	poke file=NAME                                          a line a change: OFFSET HEX
//	set slot=N (term|index|offset|type|length)=V            in 00001.wal
//	swap slots=(A,B)                                        two slots of 00001.wal
//	split slot=N file=NAME                                  the slots of 00001.wal from N on go to a new log file
//	clear file=NAME slots=(FIRST,LAST)                      slots of a log file become zeros
//	copy file=NAME to=NAME
//	cut file=NAME size=N · remove file=NAME · mkdir file=NAME
//	describe file=NAME [slots=(FIRST,LAST)]                 its bytes, with what they mean
//	entries [from=N] [to=N]                                 what a reader shows
//	problems                                                what is listed as wrong
//	open                                                    what storage.Open finds, or why it refuses
func TestDescribe(t *testing.T) {
	texts := 0
	datadriven.Walk(t, "testdata/describe", func(t *testing.T, path string) {
		texts++
		d := &described{}
		datadriven.RunTest(t, path, func(t *testing.T, c *datadriven.TestData) string { return d.run(t, c) })
	})
	if texts < 8 {
		t.Errorf("%d texts were found", texts)
	}
}

// described is the directory that a text is about.
type described struct {
	dir string
	key []byte
}

func (d *described) run(t *testing.T, c *datadriven.TestData) string {
	switch c.Cmd {
	case "make":
		d.make(t, c)
	case "fixture":
		name := arg(t, c, "name")
		d.dir, d.key = fixture.Dir(t, name), fixture.Key(name)
	case "poke", "set", "swap", "split", "clear", "copy", "cut", "remove", "mkdir":
		d.damage(t, c)
	case "describe":
		return d.describe(t, c)
	case "entries":
		return d.entries(t, c)
	case "problems":
		return d.problems()
	case "open":
		return d.open(t)
	default:
		t.Fatalf("%s: unknown command %s", c.Pos, c.Cmd)
	}
	return ""
}

func arg(t *testing.T, c *datadriven.TestData, name string) (value string) {
	t.Helper()
	c.ScanArgs(t, name, &value)
	return value
}

// number is the value of an argument, or if it is not given.
func number(t *testing.T, c *datadriven.TestData, name string, otherwise uint64) uint64 {
	t.Helper()
	if c.HasArg(name) {
		c.ScanArgs(t, name, &otherwise)
	}
	return otherwise
}

func (d *described) make(t *testing.T, c *datadriven.TestData) {
	d.dir, d.key = filepath.Join(t.TempDir(), "w"), nil
	var entries []nativelog.Entry
	last := uint64(1)
	for _, line := range strings.Split(c.Input, "\n") {
		var e nativelog.Entry
		var data string
		_, err := fmt.Sscan(line, &e.Term, &e.Index, &e.Type, &data)
		fixture.Must(t, err)
		e.Data = []byte(data)
		entries, last = append(entries, e), max(last, e.Term)
	}
	m := nativelog.Meta{RaftID: 1, GroupID: 1, Term: number(t, c, "term", last), Vote: 1, Commit: number(t, c, "commit", 0)}
	if index := number(t, c, "snapshot", 0); index > 0 {
		term := number(t, c, "snapshot-term", 1)
		m.Snapshot = &raftpb.Snapshot{Data: []byte("state"), Metadata: &raftpb.SnapshotMetadata{
			Index: &index, Term: &term, ConfState: &raftpb.ConfState{Voters: []uint64{1}}}}
	}
	fixture.Must(t, nativelog.Write(d.dir, m, slices.Values(entries)))
}

func (d *described) damage(t *testing.T, c *datadriven.TestData) {
	log := fixture.Edit(t, filepath.Join(d.dir, "00001.wal"))
	name := ""
	if c.HasArg("file") {
		name = filepath.Join(d.dir, arg(t, c, "file"))
	}
	switch c.Cmd {
	case "poke":
		for _, line := range strings.Split(c.Input, "\n") {
			var at int64
			var text string
			_, err := fmt.Sscan(line, &at, &text)
			fixture.Must(t, err)
			b, err := hex.DecodeString(text)
			fixture.Must(t, err)
			fixture.Edit(t, name).Write(at, b)
		}
	case "set":
		slot := int(number(t, c, "slot", 0))
		for field, place := range map[string]fixture.Field{"term": fixture.Term, "index": fixture.Index, "offset": fixture.Offset, "type": fixture.Type} {
			if c.HasArg(field) {
				log.Set(slot, place, number(t, c, field, 0))
			}
		}
		if c.HasArg("length") {
			log.SetLength(slot, uint32(number(t, c, "length", 0)))
		}
	case "swap":
		var a, b int
		c.ScanArgs(t, "slots", &a, &b)
		x, y := log.Read(int64(a)*format.SlotSize, format.SlotSize), log.Read(int64(b)*format.SlotSize, format.SlotSize)
		log.Write(int64(a)*format.SlotSize, y)
		log.Write(int64(b)*format.SlotSize, x)
	case "split":
		log.Split(int(number(t, c, "slot", 0)), name)
	case "clear":
		var first, last int
		c.ScanArgs(t, "slots", &first, &last)
		fixture.Edit(t, name).Write(int64(first)*format.SlotSize, make([]byte, (last+1-first)*format.SlotSize))
	case "copy":
		fixture.WriteFile(t, filepath.Join(d.dir, arg(t, c, "to")), fixture.ReadFile(t, name))
	case "cut":
		fixture.Edit(t, name).Truncate(int64(number(t, c, "size", 0)))
	case "remove":
		fixture.Must(t, os.Remove(name))
	case "mkdir":
		fixture.Must(t, os.Mkdir(name, 0o700))
	}
}

// describe gives a file's bytes with what they mean: of a log file the slots, the
// payloads' first bytes and the key header, of others what is not zero.
func (d *described) describe(t *testing.T, c *datadriven.TestData) string {
	name := filepath.Join(d.dir, arg(t, c, "file"))
	f, err := os.Open(name)
	fixture.Must(t, err)
	defer f.Close()
	st, err := f.Stat()
	fixture.Must(t, err)
	var b strings.Builder
	fmt.Fprintf(&b, "%d bytes\n", st.Size())
	read := func(at int64, n int) []byte {
		p := make([]byte, n)
		k, _ := f.ReadAt(p, at)
		return p[:k]
	}
	if _, isLog := format.ParseFileName(filepath.Base(name)); !isLog {
		for at := int64(0); at < min(st.Size(), 1200); at += 16 {
			if p := read(at, 16); !format.AllZero(p) {
				fmt.Fprintf(&b, "%7d  %x\n", at, p)
			}
		}
		return b.String()
	}
	first, last := 0, 9
	if c.HasArg("slots") {
		c.ScanArgs(t, "slots", &first, &last)
	}
	for i := first; i <= last; i++ {
		p := read(int64(i)*format.SlotSize, format.SlotSize)
		if len(p) < format.SlotSize || format.AllZero(p) {
			continue
		}
		s := format.DecodeSlot(p)
		fmt.Fprintf(&b, "%7d  %x %x %x %x %x  slot %d: term %d, index %d, offset %d, %v\n", i*format.SlotSize,
			p[:8], p[8:16], p[16:24], p[24:28], p[28:], i, s.Term, s.Index, s.Offset, s.Type)
		if q := read(int64(min(s.Offset, 1<<40)), 16); len(q) > 4 {
			fmt.Fprintf(&b, "%7d  %x %x  its length and payload\n", s.Offset, q[:4], q[4:])
		}
	}
	if p := read(format.KeyHeaderAt, format.KeyHeaderSize); !format.AllZero(p) {
		h := format.DecodeKeyHeader(p)
		fmt.Fprintf(&b, "%7d  %x %x  key id %d\n", format.KeyHeaderAt, p[:8], p[8:], h.KeyID)
	}
	return b.String()
}

// read gives what show says of the directory, or why it cannot be read.
func (d *described) read(show func(r *Reader, out *strings.Builder)) string {
	r, err := OpenReader(d.dir, ReaderOptions{Key: d.key})
	if err != nil {
		return d.plain(err).Error() + "\n"
	}
	defer r.Close() // who opens the directory for writing wants it for itself
	var out strings.Builder
	show(r, &out)
	return out.String()
}

// plain is an error without the directory's path, which differs each time.
func (d *described) plain(err error) error {
	if err == nil {
		return nil
	}
	return errors.New(strings.ReplaceAll(err.Error(), d.dir, "w"))
}

func (d *described) entries(t *testing.T, c *datadriven.TestData) string {
	return d.read(func(r *Reader, out *strings.Builder) {
		first, known := r.FirstIndex()
		fmt.Fprintf(out, "first %d, known %t; ", first, known)
		last, known := r.LastIndex()
		fmt.Fprintf(out, "last %d, known %t\n", last, known)
		for index := number(t, c, "from", 1); index <= number(t, c, "to", last); index++ {
			e, err := r.Entry(index)
			var data []byte
			if err == nil {
				data, err = e.Data()
			}
			if err != nil {
				fmt.Fprintln(out, d.plain(err))
				continue
			}
			name, _ := system.TypeName(e.Type)
			fmt.Fprintf(out, "%d of term %d, %s: %.40q\n", index, e.Term, name.Name, data)
		}
	})
}

func (d *described) problems() string {
	return d.read(func(r *Reader, out *strings.Builder) {
		for _, p := range r.Problems() {
			fmt.Fprintln(out, p)
		}
		if out.Len() == 0 {
			fmt.Fprintln(out, "none")
		}
	})
}

// open says what opening for writing would do; it does it to a picture of the
// directory only.
func (d *described) open(t *testing.T) string {
	s, err := OpenWriter(d.dir, WriterOptions{Key: d.key, DryRun: true})
	if err != nil {
		return "refused: " + d.plain(err).Error() + "\n"
	}
	defer s.Close()
	var b strings.Builder
	for _, p := range s.Problems() {
		fmt.Fprintln(&b, p)
	}
	first, err := s.FirstIndex()
	fixture.Must(t, err)
	last, err := s.LastIndex()
	fixture.Must(t, err)
	fmt.Fprintf(&b, "opens: %d to %d\n", first, last)
	return b.String()
}
