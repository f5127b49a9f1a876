package filter

import (
	"math"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/memlog"
	"github.com/walfs/walfs/walcore"
)

// setAll gives the filter of a line as a command line has it: --kind mutation --replay.
func setAll(line string) (f Filter, err error) {
	f.Prefix = "--"
	fields := strings.Fields(line)
	for len(fields) > 0 && err == nil {
		name, value, ok := strings.Cut(strings.TrimPrefix(fields[0], "--"), "=")
		fields = fields[1:]
		switch {
		case ok:
		case name == "replay":
			value = "true"
		default:
			value, fields = fields[0], fields[1:]
		}
		err = f.Set(name, value)
	}
	return f, err
}

// filterOf is a filter that has nothing wrong with it.
func filterOf(t *testing.T, line string) Filter {
	t.Helper()
	f, err := setAll(line)
	fixture.Must(t, err)
	fixture.Must(t, f.Check(walcore.RaftTypes))
	return f
}

// TestNames: each filter can be set, and there are no others.
func TestNames(t *testing.T) {
	values := map[string]string{"type": "normal", "kind": "delta", "predicate": "name", "key": "k", "replay": "true", "since": "3h", "until": "2h", "grep": "x"}
	for _, name := range Names {
		value := values[name]
		if value == "" {
			value = "7"
		}
		var f Filter
		want := strings.TrimSuffix(name+" "+value, " true")
		if err := f.Set(name, value); err != nil || f.String() != want {
			t.Errorf("%s: %v, %q, want %q", name, err, f.String(), want)
		}
	}
	var f Filter
	const want = "there is no filter kid: want from, to, term, type, kind, predicate, uid, txn, member, key, namespace, replay, since, until, grep or limit; did you mean kind?"
	if err := f.Set("kid", "delta"); err == nil || err.Error() != want || f.String() != "" {
		t.Errorf("%v, want %s", err, want)
	}
}

// TestZeroFilter: nothing set matches all, and texts of a server have no dashes.
func TestZeroFilter(t *testing.T) {
	log := memlog.Sample("w")
	var f Filter
	fixture.Must(t, f.Resolve(log))
	for e := range log.Entries(0) {
		if f.Matches(&e) != Yes {
			t.Errorf("entry %d does not match", e.Index)
		}
	}
	if f.First() != 0 || f.Last() != math.MaxUint64 || f.Limit() != 0 || f.String() != "" || f.TimesText(log) != "" || !f.InRange(0) {
		t.Errorf("%+v", f)
	}
	fixture.Must(t, f.Set("from", "9"))
	fixture.Must(t, f.Set("to", "8"))
	if err := f.Resolve(log); err == nil || err.Error() != "from lies above to" {
		t.Error(err)
	}
	fixture.Must(t, f.Set("to", "9"))
	fixture.Must(t, f.Set("kind", "delta"))
	fixture.Must(t, f.Resolve(log))
	if text := f.Nothing(log); text != "no entry of 9 to 9 matches kind delta" || f.String() != "from 9 to 9 kind delta" || f.InRange(0) {
		t.Error(text)
	}
}

// TestCopies: a copy of a filter is set by itself.
func TestCopies(t *testing.T) {
	f := filterOf(t, "--kind delta,commit,abort")
	one, other := f, f
	fixture.Must(t, one.Set("kind", "schema,schema"))
	fixture.Must(t, other.Set("kind", "drop"))
	if got := f.String() + one.String() + other.String(); got != "--kind delta,commit,abort--kind delta,commit,abort,schema--kind delta,commit,abort,drop" {
		t.Error(got)
	}
}
