package check_test

import (
	"context"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/check"
	"github.com/walfs/walfs/walcore/dgraph"
)

// open opens a directory with a fixture's key, if that has one.
func open(t testing.TB, dir, name string) walcore.Log {
	t.Helper()
	return openKey(t, dir, fixture.Key(name))
}

func openKey(t testing.TB, dir string, key []byte) walcore.Log {
	t.Helper()
	r, err := dgraph.OpenReader(dir, dgraph.ReaderOptions{Key: key})
	fixture.Must(t, err)
	return r
}

// run checks a log.
func run(t testing.TB, log walcore.Log) *check.Report {
	t.Helper()
	report, err := check.Run(context.Background(), log, check.Options{})
	fixture.Must(t, err)
	return report
}

// TestFixturesAreSound: what Dgraph wrote is sound, whoever's entries they are. The
// numbers of the verdict are those that Dgraph's own code reads.
func TestFixturesAreSound(t *testing.T) {
	for _, name := range fixture.All() {
		report := run(t, open(t, fixture.Dir(t, name), name))
		if !report.Sound || len(report.Problems)+len(report.Notes) > 0 || report.Unread > 0 || report.Checked != "everything" {
			t.Errorf("%s: %+v", name, report)
			continue
		}
		m := fixture.ReadManifest(t, name)
		bytes := uint64(0)
		for _, e := range m.Entries {
			bytes += uint64(e.Size)
		}
		if report.Entries != uint64(len(m.Entries)) || report.Bytes != bytes || *report.LastIndex != m.Meta.LastIndex ||
			*report.FirstIndex != m.Meta.FirstIndex || *report.Commit != m.Meta.HardState.Commit {
			t.Errorf("%s: %+v, the manifest has %+v", name, report, m.Meta)
		}
		if r := report.Replays; r != nil && (r.First != m.Meta.FirstIndex || r.Last != m.Meta.HardState.Commit) ||
			r == nil && m.Meta.HardState.Commit >= m.Meta.FirstIndex {
			t.Errorf("%s: replays %+v", name, r)
		}
		t.Logf("%s: %s", name, report.Verdict)
	}
}
