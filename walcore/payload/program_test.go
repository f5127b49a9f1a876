package payload

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func program(t *testing.T, command string) *Program {
	t.Helper()
	p := NewProgram(command)
	p.Timeout = time.Minute // however slow the machine is
	t.Cleanup(func() { p.Close() })
	return p
}

// echo answers each line with itself.
const echo = `while read -r line; do echo "OK|$line"; done`

func TestProgram(t *testing.T) {
	p := program(t, echo)
	for i, tt := range []struct {
		e    Entry
		want string
	}{
		{Entry{Term: 1, Index: 1, Data: []byte("a|b\n")}, `{"term":1,"index":1,"type":"EntryNormal","size":4,"decoder":{"status":"OK","data":"617c620a"}}`},
		{Entry{Term: 1, Index: 2}, `{"term":1,"index":2,"type":"EntryNormal","size":0,"decoder":{"status":"OK","data":""}}`},
		{Entry{Term: 1, Index: 3, Type: 1, Data: []byte("\x18\x01")},
			`{"term":1,"index":3,"type":"EntryConfChange","size":2,"decoder":{"status":"OK","data":"1801"},"conf_change":{"node_id":"1"}}`},
	} {
		got, err := p.AppendCompact(nil, tt.e)
		if err != nil || string(got) != tt.want {
			t.Errorf("%d: got %s (%v), want %s", i, got, err, tt.want)
		}
		indented, err := p.AppendJSON(nil, tt.e)
		if err != nil || !strings.HasSuffix(string(indented), "\n}\n") {
			t.Errorf("got %s (%v)", indented, err)
		}
		parse(t, indented)
	}
	var s Summary
	if err := p.Summarize(&s, Entry{Data: []byte("\xff")}); err != nil || s.Kind != KindProgram || string(s.Line) != "OK ff" {
		t.Errorf("got %s %s (%v)", s.Kind, s.Line, err)
	}
	if err := p.Summarize(&s, Entry{Type: 1, Data: []byte("\x18\x01")}); err != nil || s.Kind != KindConfChange || string(s.Line) != "add node 1; OK 1801" {
		t.Errorf("got %s %s (%v)", s.Kind, s.Line, err)
	}
}

// TestProgramKeepsRunning: one process for many entries.
func TestProgramKeepsRunning(t *testing.T) {
	p := program(t, `while read -r line; do echo "OK|$$"; done`)
	_, first, _ := p.Decode(Entry{})
	for i := range 100 {
		if _, pid, err := p.Decode(Entry{Index: uint64(i + 1)}); err != nil || pid != first {
			t.Fatalf("got pid %s (%v), want %s", pid, err, first)
		}
	}
}

// TestProgramIsAskedOnce: if an entry is asked for twice in a row, the second time has
// the answer, or the failure, of the first.
func TestProgramIsAskedOnce(t *testing.T) {
	p := program(t, `n=0; while read -r l; do n=$((n+1)); [ "$l" = 78 ] && exit 1; echo "OK|$n"; done`)
	for _, tt := range []struct {
		e    Entry
		data string
		err  error
	}{
		{Entry{Term: 1, Index: 1}, "1", nil},
		{Entry{Term: 1, Index: 1}, "1", nil},
		{Entry{Term: 1, Index: 2}, "2", nil},
		{Entry{Term: 2, Index: 2}, "3", nil},
		{Entry{Term: 2, Index: 2, Data: []byte("a")}, "4", nil}, // another replica's
		{Entry{Term: 2, Index: 3, Data: []byte("x")}, "", ErrNoAnswer},
		{Entry{Term: 2, Index: 3, Data: []byte("x")}, "", ErrNoAnswer},
		{Entry{Term: 2, Index: 4}, "1", nil}, // started anew
	} {
		if _, data, err := p.Decode(tt.e); data != tt.data || !errors.Is(err, tt.err) {
			t.Errorf("%+v: got %q (%v), want %q (%v)", tt.e, data, err, tt.data, tt.err)
		}
	}
}

// TestProgramAnswers: which lines are answers, and how they are shown.
func TestProgramAnswers(t *testing.T) {
	for _, tt := range []struct {
		name, command, status, data string
		err                         error
	}{
		{"bar in the data", `read l; echo 'OK|a|b'`, "OK", "a|b", nil},
		{"CR LF", `read l; printf 'OK|a\r\n'`, "OK", "a", nil},
		{"no UTF-8", `read l; printf 'OK|a\377\n'`, "OK", "a\uFFFD", nil},
		{"no status", `read l; echo hello`, "", "hello", ErrNoStatus},
		{"empty line", `read l; echo`, "", "", ErrNoStatus},
		{"ends at once", `true`, "", "", ErrNoAnswer},
		{"ends after the question", `read l`, "", "", ErrNoAnswer},
		{"ends within the answer", `read l; printf 'OK|a'`, "", "", ErrNoAnswer},
		{"no such program", `/no/such/program`, "", "", ErrNoAnswer},
		{"does not end its line", `read l; yes OK | tr -d '\n'`, "", "", ErrTooLong},
	} {
		status, data, err := program(t, tt.command).Decode(Entry{Index: 42, Data: []byte("x")})
		if status != tt.status || data != tt.data || !errors.Is(err, tt.err) {
			t.Errorf("%s: got %q %q (%v), want %q %q (%v)", tt.name, status, data, err, tt.status, tt.data, tt.err)
		}
		if err != nil && !strings.HasPrefix(err.Error(), "entry 42: decoder program: ") {
			t.Errorf("%s: the error does not name the entry: %v", tt.name, err)
		}
	}
}

// TestProgramGoesOn: after an entry has failed, the next one gets its own answer.
func TestProgramGoesOn(t *testing.T) {
	dir := t.TempDir()
	for _, tt := range []struct {
		name, command string
		timeout       time.Duration
		err           error
	}{
		{"crashes", `while read -r l; do [ $l = 62 ] && { echo sorry >&2; exit 3; }; echo "OK|$l"; done`, answerTimeout, ErrNoAnswer},
		{"hangs", `while read -r l; do [ $l = 62 ] && sleep 60; echo "OK|$l"; done`, 200 * time.Millisecond, ErrTimeout},
		{"is silent", `while read -r l; do [ $l = 62 ] || echo "OK|$l"; done`, 200 * time.Millisecond, ErrTimeout},
	} {
		p := program(t, tt.command)
		for i, letter := range []string{"a", "b", "c", "d"} {
			// The others are answered, however slow the machine is.
			p.Timeout = time.Minute
			if letter == "b" {
				p.Timeout = tt.timeout
			}
			e := Entry{Index: uint64(i + 1), Data: []byte(letter)}
			text, err := p.AppendCompact(nil, e)
			got := parse(t, text)
			if letter == "b" {
				var pe *ProgramError
				if !errors.As(err, &pe) || pe.Index != 2 || !errors.Is(err, tt.err) {
					t.Errorf("%s: got %v, want %v", tt.name, err, tt.err)
				}
				if got["text"] != "b" || !strings.Contains(fmt.Sprint(got["decoder"]), "entry 2: decoder program: ") {
					t.Errorf("%s: got %s", tt.name, text)
				}
				if tt.name == "crashes" && pe.Stderr != "sorry" {
					t.Errorf("stderr: got %q", pe.Stderr)
				}
			} else if want := fmt.Sprintf(`"decoder":{"status":"OK","data":"%x"}}`, letter); err != nil || !strings.HasSuffix(string(text), want) {
				t.Errorf("%s: got %s (%v), want …%s", tt.name, text, err, want)
			}
		}
		p.Close()
	}
	// A program that answers too much is started again.
	p := program(t, `echo >>`+filepath.Join(dir, "starts")+`; while read -r l; do printf 'OK|%s\nOK|more\n' $l; done`)
	for i := range 3 {
		if _, data, err := p.Decode(Entry{Data: []byte{'a' + byte(i)}}); err != nil || data != fmt.Sprintf("%x", 'a'+i) {
			t.Errorf("got %q (%v)", data, err)
		}
	}
	if starts, _ := os.ReadFile(filepath.Join(dir, "starts")); len(starts) != 3 {
		t.Errorf("started %d times", len(starts))
	}
}

// TestProgramThatHangs: it costs a few timeouts and not one for each entry, even if it
// answers some questions in between.
func TestProgramThatHangs(t *testing.T) {
	for name, command := range map[string]string{
		"at each":   `sleep 60`,
		"in turns":  `read -r l; echo "OK|$l"; read -r l; sleep 60`,
		"not often": `n=0; while read -r l; do n=$((n+1)); [ $n = 30 ] && sleep 60; echo "OK|$l"; done`,
	} {
		p := program(t, command)
		p.Timeout = 200 * time.Millisecond
		hung := 0
		var err error
		for i := range 500 {
			if _, _, err = p.Decode(Entry{Index: uint64(i)}); errors.Is(err, ErrTimeout) {
				hung++
			}
		}
		if hung != maxHung || !errors.Is(err, ErrPaused) {
			t.Errorf("%s: hung %d times, want %d, then %v", name, hung, maxHung, err)
		}
		p.mu.Lock()
		p.resumeAt = time.Now()
		p.mu.Unlock()
		if _, _, err = p.Decode(Entry{Index: 499}); errors.Is(err, ErrPaused) {
			t.Errorf("%s: after the pause: %v", name, err)
		}
	}
	// Timeouts that are far apart start no pause.
	p := program(t, echo)
	for range 2 * maxHung {
		p.asked += hungWindow
		p.noteHung()
	}
	if status, _, err := p.Decode(Entry{}); err != nil || status != "OK" {
		t.Errorf("got %q (%v)", status, err)
	}
}

// TestProgramLargeEntry: the question is larger than a pipe's buffer, and the program
// answers before it has read all of it.
func TestProgramLargeEntry(t *testing.T) {
	p := program(t, `printf 'OK|'; head -c 400000; cat >/dev/null`)
	p.Timeout = 500 * time.Millisecond
	data := make([]byte, 2_000_000)
	_, _, err := p.Decode(Entry{Data: data})
	if !errors.Is(err, ErrTimeout) {
		t.Errorf("an answer without an end: got %v", err)
	}
	p = program(t, `printf 'OK|'; cat`)
	_, got, err := p.Decode(Entry{Data: data})
	if err != nil || len(got) != 2*len(data) {
		t.Errorf("got %d bytes (%v)", len(got), err)
	}
}

// TestProgramLeavesNothing: the processes that the shell has started end with it. Each
// has a pipe open, and reading the pipe ends when all of them have ended.
func TestProgramLeavesNothing(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if out, err := exec.Command("mkfifo", fifo).CombinedOutput(); err != nil {
		t.Fatal(err, string(out))
	}
	p := program(t, `exec 3<>`+fifo+`; sleep 600 & echo "OK|started"; read l; read l`)
	if _, _, err := p.Decode(Entry{}); err != nil {
		t.Fatal(err)
	}
	alive, err := os.Open(fifo)
	if err != nil {
		t.Fatal(err)
	}
	defer alive.Close()
	p.Close()
	p.Close()
	if said, err := io.ReadAll(alive); len(said) > 0 || err != nil {
		t.Errorf("%q, %v", said, err)
	}
}
