package walcore

import (
	"errors"
	"testing"
)

func TestProblemSaysWhere(t *testing.T) {
	for _, test := range []struct {
		problem Problem
		want    string
	}{
		{SlotProblem("00001.wal", 0, KindLength, "too long").At(1048576).OfEntry(1),
			"00001.wal slot 0 offset 1048576 index 1: length: too long"},
		{FileProblem("wal.meta", KindMeta, "is missing"), "wal.meta: meta: is missing"},
		{FileProblem("00001.wal", KindNoKey, "encrypted").At(1048560), "00001.wal offset 1048560: no_key: encrypted"},
		{SlotProblem("00001.wal", 449, KindOffset, "too low").OfEntry(450), "00001.wal slot 449 offset 0 index 450: offset: too low"},
		{FileProblem("00001.wal", KindOffset, "and 7 more"), "00001.wal: offset: and 7 more"},
	} {
		if got := test.problem.String(); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
}

func TestErrorSaysWhere(t *testing.T) {
	plain := FileError("wal.meta", ErrDamaged)
	for _, test := range []struct {
		err  error
		want string
	}{
		{plain.At(512), "wal.meta offset 512: damaged"},
		{plain.OfEntry(7), "wal.meta index 7: damaged"},
		{plain, "wal.meta: damaged"}, // as it was
		{SlotError("00001.wal", 0, ErrDamaged), "00001.wal slot 0: damaged"},
	} {
		if got := test.err.Error(); got != test.want || !errors.Is(test.err, ErrDamaged) {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
}
