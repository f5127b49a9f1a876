package dgraph

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

func TestProblemsOfNeighboursAreOne(t *testing.T) {
	var l problemList
	for slot := 5; slot < 9; slot++ {
		l.slot("f", slot, format.Slot{Index: uint64(slot + 1), Offset: 100}, walcore.KindOrder, "bad")
	}
	l.slot("f", 9, format.Slot{Index: 10}, walcore.KindOffset, "another kind")
	l.slot("f", 11, format.Slot{Index: 12}, walcore.KindOffset, "not a neighbour")
	l.add(walcore.Problem{File: "f", Slot: -1, Kind: walcore.KindOffset, Message: "no slot"})
	l.slot("f", 0, format.Slot{}, walcore.KindOffset, "slot 0 does not follow slot -1")
	l.slot("g", 1, format.Slot{}, walcore.KindOffset, "another file")
	want := []walcore.Problem{
		{File: "f", Slot: 5, Slots: 4, Offset: 100, Index: 6, Kind: walcore.KindOrder, Message: "bad; the same holds for the slots after it, up to 8"},
		{File: "f", Slot: 9, Index: 10, Kind: walcore.KindOffset, Message: "another kind"},
		{File: "f", Slot: 11, Index: 12, Kind: walcore.KindOffset, Message: "not a neighbour"},
		{File: "f", Slot: -1, Kind: walcore.KindOffset, Message: "no slot"},
		{File: "f", Slot: 0, Kind: walcore.KindOffset, Message: "slot 0 does not follow slot -1"},
		{File: "g", Slot: 1, Kind: walcore.KindOffset, Message: "another file"},
	}
	got := l.all()
	if len(got) != len(want) {
		t.Fatalf("got %v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%d: got %+v, want %+v", i, got[i], want[i])
		}
	}
	if again := l.all(); again[0] != want[0] {
		t.Errorf("the second time: %+v", again[0])
	}
}

func TestProblemsAreBounded(t *testing.T) {
	var l problemList
	for slot := range 3 * maxProblems {
		l.slot("f", 2*slot, format.Slot{Index: 1}, walcore.KindOrder, "bad")
	}
	got := l.all()
	if len(got) != maxProblems+1 {
		t.Fatalf("%d problems, want %d", len(got), maxProblems+1)
	}
	last := got[maxProblems]
	if last.File != "f" || last.Slot != -1 || last.Kind != walcore.KindOrder || last.Message != "and 2000 more problems in this file" {
		t.Errorf("the last is %+v", last)
	}
	var none problemList
	if got := none.all(); len(got) != 0 {
		t.Errorf("of none: %v", got)
	}
}

// TestProblemFields: in JSON a problem has the fields that users are promised,
// however many slots it is about, and its message names what is wrong.
func TestProblemFields(t *testing.T) {
	d := damage(t, "alpha")
	d.Set(100, fixture.Offset, 0)
	d.Set(101, fixture.Offset, 0)
	got, err := json.Marshal(d.open().Problems())
	fixture.Must(t, err)
	const want = `[{"file":"00001.wal","slot":100,"offset":0,"index":101,"kind":"offset",` +
		`"message":"the data offset 0 is not between 1048576 and the file's end at 268435456; the same holds for the slots after it, up to 101"}]`
	if string(got) != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestErrorSaysWhere(t *testing.T) {
	d := damage(t, "alpha")
	d.Set(100, 16, 0)
	r := d.open()
	for index, want := range map[uint64]string{
		101: "00001.wal slot 100 index 101: damaged",
		976: "entry 976: no such entry; the log holds 1 to 975",
	} {
		if _, err := r.Entry(index); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("entry %d: got %v, want %s", index, err, want)
		}
	}
}
