package hashicorp

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
)

// withExtensions gives a value of raft-boltdb's extensions.
func withExtensions(value []byte, extensions string) []byte {
	none, some := []byte("\xaaExtensions\xc0"), []byte("\xaaExtensions\xc6")
	some = append(binary.BigEndian.AppendUint32(some, uint32(len(extensions))), extensions...)
	return bytes.Replace(value, none, some, 1)
}

// TestExtensions: those of an entry are read, wherever its value is by now, and others have none.
func TestExtensions(t *testing.T) {
	w := newBoltWriter(t, 4096)
	for range 9 {
		w.append(1, 300)
	}
	w.entries[3].value = withExtensions(w.entries[3].value, "four")
	w.entries[4].value = withExtensions(w.entries[4].value, strings.Repeat("5", maxBeside))
	w.commit()
	r := open(t, w.dir())
	look := func() {
		t.Helper()
		for e := range r.Entries(0) {
			w.isRight(e, 1)
			want := ""
			if e.Index == 4 {
				want = "four"
			}
			if got, err := e.Extensions(); string(got) != want || (err != nil) != (e.Index == 5) {
				t.Errorf("entry %d: %.20q, %v", e.Index, got, err)
			}
		}
	}
	look()
	w.append(1, 20_000)
	for range 3 { // the values are elsewhere now
		w.entries = w.entries[1:]
		w.commit()
	}
	e, err := r.Entry(4)
	fixture.Must(t, err)
	if got, err := e.Extensions(); string(got) != "four" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	w.entries[0].value = msgpackEntry(4, 2, []byte("another"))
	w.commit()
	w.commit()
	if got, err := e.Extensions(); err == nil {
		t.Errorf("those of another entry: %q", got)
	}
}

// TestExtensionsOfRaftWAL: a value of its codec has them behind the payload.
func TestExtensionsOfRaftWAL(t *testing.T) {
	for _, want := range []string{"", "some"} {
		value := append([]byte("\x07\x02\x00\x04data"), byte(len(want)))
		value = append(append(value, want...), "\x01\x00\x00\x00\x0e\xdc\x00\x00\x00\x00\x00\x00\x00\xff\xff"...)
		r, err := parseCodec1(value)
		fixture.Must(t, err)
		if _, s, _ := newSlot(0, value, parseCodec1); string(r.extensions) != want || s.extended != (want != "") {
			t.Errorf("%q", r.extensions)
		}
	}
}
