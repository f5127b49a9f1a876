package payload

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"
)

// Program asks a program of the user's own what entries mean, in the protocol
// of etcd-dump-logs: for each entry, of any type, it is sent the data as a line
// of hex on stdin, and answers a line "STATUS|DATA" on stdout.
//
// If the program exits, does not answer in time, answers too much or without a
// status, that entry fails with a *ProgramError, and the program is started again
// for the next one. If three of the last hundred questions had no answer in time,
// all entries fail at once for half a minute. Otherwise a long log would take days.
//
// Questions are asked one at a time, whoever asks.
type Program struct {
	// Timeout is how long an answer may take. Set it before the first entry.
	Timeout time.Duration
	command string

	mu       sync.Mutex      // protects what follows, and the dialogue with the child
	child    *child          // nil when none is running
	asked    uint64          // how many questions so far
	hung     [maxHung]uint64 // the numbers of the last questions without an answer in time
	resumeAt time.Time       // the program is not asked before then
	last     reply
}

// reply is the last question and its answer. Often the same entry is asked for twice
// in a row: by a filter and a printer, or by a stat and a read.
type reply struct {
	asked        bool
	term, index  uint64
	question     []byte
	status, data string
	err          error
}

// Limits of the dialogue with a program.
const (
	answerTimeout = 10 * time.Second // unless the caller sets another
	maxHung       = 3
	hungWindow    = 100 // questions within which maxHung are too many
	hungPause     = 30 * time.Second
	maxAnswer     = 1 << 20 // bytes of a line, beside four for each of the entry
	maxStderr     = 2 << 10 // of what the program says when it fails
)

// NewProgram returns a decoder that runs command with /bin/sh, when the first
// entry is asked about. Close ends it.
func NewProgram(command string) *Program {
	return &Program{Timeout: answerTimeout, command: command}
}

// ProgramError says for which entry a program failed, and how.
type ProgramError struct {
	Index  uint64
	Stderr string // the end of what the program wrote there, if anything
	Err    error
}

func (e *ProgramError) Error() string {
	msg := fmt.Sprintf("entry %d: decoder program: %v", e.Index, e.Err)
	if e.Stderr != "" {
		msg += " (it says: " + onOneLine(e.Stderr) + ")"
	}
	return msg
}

// onOneLine quotes a text that could control a terminal.
func onOneLine(text string) string {
	if utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return text
	}
	return strconv.Quote(text)
}

func (e *ProgramError) Unwrap() error { return e.Err }

// What can go wrong with a program.
var (
	// ErrNoAnswer: the program ended, or closed its stdout, before it had
	// answered.
	ErrNoAnswer = errors.New("it ended without an answer")
	// ErrTimeout: it is still running, and has not answered; often it waits
	// for the end of its input, or does not flush its output.
	ErrTimeout = errors.New("no answer in time")
	// ErrTooLong: the answer does not end within 1 MiB and four times the
	// entry's size.
	ErrTooLong = errors.New("the answer does not end")
	// ErrNoStatus: the answer is not "STATUS|DATA".
	ErrNoStatus = errors.New(`the answer has no "STATUS|" in front`)
	// ErrPaused: earlier entries had no answer in time.
	ErrPaused = errors.New("not asked, as it has stopped answering")
)

// Decode asks about one entry. The error is a *ProgramError; with ErrNoStatus,
// data holds the answer all the same.
func (p *Program) Decode(e Entry) (status, data string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := &p.last
	again := r.asked && r.term == e.Term && r.index == e.Index && bytes.Equal(r.question, e.Data)
	if !again || errors.Is(r.err, ErrPaused) {
		r.asked, r.term, r.index = true, e.Term, e.Index
		r.question = append(r.question[:0], e.Data...)
		r.status, r.data, r.err = p.decode(e)
	}
	return r.status, r.data, r.err
}

func (p *Program) decode(e Entry) (status, data string, err error) {
	if time.Now().Before(p.resumeAt) {
		return "", "", notAsked(e)
	}
	p.asked++
	answer, err := p.ask(e.Data)
	if err != nil {
		stderr := p.stop()
		if errors.Is(err, ErrTimeout) {
			p.noteHung()
		}
		return "", "", &ProgramError{Index: e.Index, Stderr: stderr, Err: err}
	}
	answer = strings.ToValidUTF8(answer, "\uFFFD")
	status, data, ok := strings.Cut(answer, "|")
	if !ok {
		return "", answer, &ProgramError{Index: e.Index, Err: ErrNoStatus}
	}
	return status, data, nil
}

// noteHung remembers that the last question had no answer in time, and starts the
// pause if that was so too often.
func (p *Program) noteHung() {
	copy(p.hung[:], p.hung[1:])
	p.hung[maxHung-1] = p.asked
	if first := p.hung[0]; first != 0 && p.asked-first < hungWindow {
		p.resumeAt = time.Now().Add(hungPause)
	}
}

func (p *Program) ask(data []byte) (answer string, err error) {
	if p.child != nil && p.child.ahead() {
		p.stop() // it has answered too much: the next line would be a wrong answer
	}
	if p.child == nil {
		if p.child, err = startChild(p.command); err != nil {
			return "", err
		}
	}
	return p.child.ask(data, p.Timeout)
}

// stop ends the child, if there is one, and returns the end of its stderr.
func (p *Program) stop() string {
	if p.child == nil {
		return ""
	}
	stderr := p.child.stop()
	p.child = nil
	return stderr
}

// Close ends the program. It may be called more than once. Decode starts it again, and
// then earlier questions without an answer no longer count.
func (p *Program) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stop()
	p.hung, p.resumeAt = [maxHung]uint64{}, time.Time{}
	return nil
}

// AppendJSON implements Decoder. The error is a *ProgramError.
func (p *Program) AppendJSON(dst []byte, e Entry) ([]byte, error) {
	dst, err := p.append(dst, e, true)
	return append(dst, '\n'), err
}

// AppendCompact implements Decoder. The error is a *ProgramError.
func (p *Program) AppendCompact(dst []byte, e Entry) ([]byte, error) {
	return p.append(dst, e, false)
}

func (p *Program) append(dst []byte, e Entry, indent bool) ([]byte, error) {
	if e.TooLarge > 0 {
		return appendTooLarge(dst, e, indent), nil
	}
	status, data, err := p.Decode(e)
	return appendAnswer(dst, e, indent, status, data, err), err
}

// AppendNotAsked appends what AppendJSON appends when it fails with ErrPaused.
func (p *Program) AppendNotAsked(dst []byte, e Entry) []byte {
	if e.TooLarge > 0 {
		return append(appendTooLarge(dst, e, true), '\n')
	}
	return append(appendAnswer(dst, e, true, "", "", notAsked(e)), '\n')
}

func notAsked(e Entry) error { return &ProgramError{Index: e.Index, Err: ErrPaused} }

// appendAnswer writes the answer as decoder {status, data}, or decoder {error} and
// the data as it is; configuration changes are shown decoded as well.
func appendAnswer(dst []byte, e Entry, indent bool, status, data string, err error) []byte {
	w := newWalker(dst, Options{}, len(e.Data), indent)
	w.open('{')
	w.head(e)
	w.key(`"decoder":`)
	w.open('{')
	if err != nil {
		w.key(`"error":`)
		w.string(err.Error())
	} else {
		w.key(`"status":`)
		w.string(status)
	}
	if err == nil || data != "" {
		w.key(`"data":`)
		w.string(data)
	}
	w.close('}')
	switch {
	case e.isConfChange():
		if !w.try(func() bool { return w.confChange(e) }) {
			w.raw(e.Data, e.path())
		}
	case err != nil && len(e.Data) > 0:
		w.raw(e.Data, e.path())
	}
	w.close('}')
	return w.free()
}

// AppendSnapshot implements Decoder. The program is asked about entries only: a
// blob is shown as text or base64.
func (p *Program) AppendSnapshot(dst, blob []byte) []byte {
	return appendSnapshot(dst, nil, blob, Options{})
}

// Facts implements Decoder. Of a normal entry they have the kind.
func (p *Program) Facts(f *Facts, e Entry) {
	if !f.common(e) {
		f.Kind = KindProgram
	}
}

// Summarize implements Decoder. The line is the answer, cut; the error is a
// *ProgramError.
func (p *Program) Summarize(s *Summary, e Entry) error {
	common := s.common(e)
	if e.TooLarge > 0 {
		return nil
	}
	if !common {
		s.Kind = KindProgram
	}
	status, data, err := p.Decode(e)
	if err != nil {
		if !common {
			s.raw(e.Data)
		}
		return err
	}
	s.part("")
	s.answer(status, data)
	s.cut()
	return nil
}

// answer writes what a program said. Characters that could control a terminal are
// quoted.
func (s *Summary) answer(status, data string) {
	s.name([]byte(status))
	s.text(" ")
	s.name([]byte(data))
}

// tail keeps the last bytes written to it.
type tail struct {
	mu sync.Mutex // the child's stderr is copied from a goroutine of its own
	b  []byte
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, b[max(0, len(b)-maxStderr):]...)
	t.b = append(t.b[:0], t.b[max(0, len(t.b)-maxStderr):]...)
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(bytes.ToValidUTF8(bytes.TrimSpace(t.b), []byte("\uFFFD")))
}
