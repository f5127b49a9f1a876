package filter

import (
	"bytes"
	"encoding/hex"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/walfs/walfs/walcore/payload"
	"github.com/walfs/walfs/walcore/wording"
)

// given is a value that means nothing until it is given. "" is no value: a script's variable
// that is empty by mistake must not ask for everything.
type given[T any] struct {
	text  string // as typed
	value T
}

func (g *given[T]) isGiven() bool { return g.text != "" }

func (g *given[T]) set(text string, parse func(string) (T, error)) error {
	if text == "" {
		return errors.New("want a value, got nothing")
	}
	value, err := parse(text)
	if err == nil {
		g.text, g.value = text, value
	}
	return err
}

func parseText(text string) (string, error) { return text, nil }

// parseCount takes a number as Go writes it, as an index or a term.
func parseCount(text string) (uint64, error) {
	n, err := strconv.ParseUint(text, 0, 64)
	return n, wrongNumber(err, "want a number from 0 up")
}

func parseLimit(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 0, 64)
	return n, wrongNumber(err, "want a whole number")
}

func parseBool(text string) (bool, error) {
	b, err := strconv.ParseBool(text)
	if err != nil {
		err = errors.New("want true or false, or nothing behind the name")
	}
	return b, err
}

// wrongNumber says what is wrong with a number that strconv refuses.
func wrongNumber(err error, want string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, strconv.ErrRange):
		return errors.New("the number is too large")
	}
	return errors.New(want)
}

// parseNumber takes a decimal number, or one in hex with 0x.
func parseNumber(text string) (uint64, error) {
	digits, base := text, 10
	if d, isHex := strings.CutPrefix(text, "0x"); isHex {
		digits, base = d, 16
	}
	n, err := strconv.ParseUint(digits, base, 64)
	return n, wrongNumber(err, "want a number from 0 up, or one in hex as in 0x1f")
}

// parseID takes a number that is not 0, which Dgraph has for none.
func parseID(text string) (uint64, error) {
	n, err := parseNumber(text)
	if err == nil && n == 0 {
		err = errors.New("want a number above 0")
	}
	return n, err
}

// memberID is what "member" takes: a raft id, an id as etcd prints it, in hex, or the name that
// HashiCorp's library has in the place of an id.
type memberID struct {
	numbers []uint64 // that the text can be
	text    string
}

func parseMember(text string) (memberID, error) {
	m := memberID{text: text}
	n, err := parseNumber(text)
	if err == nil && n == 0 {
		_, err = parseID(text)
		return m, err
	}
	if err == nil {
		m.numbers = append(m.numbers, n)
	}
	if n, err := strconv.ParseUint(text, 16, 64); err == nil && n != 0 {
		m.numbers = append(m.numbers, n)
	}
	return m, nil
}

// isOf reports whether a node proposed an entry, or the entry is about it.
func (m memberID) isOf(facts *payload.Facts) bool {
	for _, id := range m.numbers {
		if proposer, ok := facts.Proposer(); ok && proposer == id || slices.Contains(facts.Members, id) {
			return true
		}
	}
	return slices.Contains(facts.Servers, m.text)
}

// entryKey is what "key" takes: a number is the key of a proposal, and all can be the key
// of a key-value.
type entryKey struct {
	number   uint64
	isNumber bool
	text     string
	bytes    []byte // of a text 0x…
}

func parseKey(text string) (entryKey, error) {
	k := entryKey{text: text}
	n, err := parseNumber(text)
	k.number, k.isNumber = n, err == nil
	if digits, isHex := strings.CutPrefix(text, "0x"); isHex {
		k.bytes, _ = hex.DecodeString(digits) // where it is none, only the text counts
	}
	return k, nil
}

// isOf reports whether k is the key of a proposal or of one of its key-values, or a key that
// a request of etcd's is about, by itself or in a range.
func (k entryKey) isOf(facts *payload.Facts) bool {
	if k.isNumber && facts.HasKey && facts.Key == k.number {
		return true
	}
	for stored := range facts.StoredKeys() {
		if string(stored) == k.text || len(k.bytes) > 0 && bytes.Equal(stored, k.bytes) {
			return true
		}
	}
	return facts.InRange([]byte(k.text)) || len(k.bytes) > 0 && facts.InRange(k.bytes)
}

// kindList is what "kind" takes: kinds with commas between them, and that more than once.
// Without any, an entry of each kind matches.
type kindList []string

func (k kindList) String() string { return strings.Join(k, ",") }

func (k *kindList) add(text string) error {
	for kind := range strings.SplitSeq(text, ",") {
		if names := payload.Kinds(); !slices.Contains(names, kind) {
			wrong := ""
			if kind != text {
				wrong = wording.Quoted(kind) + " is none; "
			}
			return errors.New(wrong + "want " + wording.OneOf(names) + wording.DidYouMean(kind, names))
		}
		if !slices.Contains(*k, kind) {
			*k = append(slices.Clip(*k), kind) // a copy of the filter keeps its own
		}
	}
	return nil
}

// any reports whether one of kinds matches.
func (k kindList) any(kinds ...string) bool {
	return len(k) == 0 || slices.ContainsFunc(kinds, func(kind string) bool { return slices.Contains(k, kind) })
}

// anyBut reports whether any other than kinds matches.
func (k kindList) anyBut(kinds ...string) bool {
	return len(k) == 0 || slices.ContainsFunc(k, func(kind string) bool { return !slices.Contains(kinds, kind) })
}
