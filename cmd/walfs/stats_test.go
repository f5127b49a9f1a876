package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore/stats"
	"github.com/walfs/walfs/walcore/sums"
)

// TestStatsOfFixtures: totals are those of the manifest, rows add up to them where an entry is
// in one row, and CSV has the same rows as JSON.
func TestStatsOfFixtures(t *testing.T) {
	fixture.NotForRace(t)
	t.Parallel()
	for _, name := range fixture.All() {
		args := []string{fixture.Dir(t, name)}
		if key := keyFile(t, name); key != "" {
			args = append(args, "--key-file", key)
		}
		m := fixture.ReadManifest(t, name)
		var all, dead stats.Sum
		for _, e := range m.Entries {
			all.Entries++
			all.Bytes += e.Size
			if e.Index <= m.Meta.SnapshotIndex {
				dead.Entries++
				dead.Bytes += e.Size
			}
		}
		checkTables(t, name, args, stats.All, all, dead)
		if name == "alpha" { // of the others, all tables at once
			for _, by := range stats.All {
				checkTables(t, name, append([]string{"--by", string(by)}, args...), []stats.By{by}, all, dead)
			}
		}
	}
}

// checkTables runs stats, which is to give these tables, as JSON and as CSV.
func checkTables(t *testing.T, name string, args []string, tables []stats.By, all, dead stats.Sum) {
	t.Helper()
	args = append([]string{"stats"}, args...)
	r := walfs(t, append(args, "--json")...)
	var got sums.Report
	fixture.Must(t, json.Unmarshal([]byte(r.stdout), &got))
	reads := slices.ContainsFunc(tables, stats.By.NeedsFacts)
	if r.code != 0 || got.Sum != all || *got.Dead != dead || *got.Live != all.Minus(dead) || (got.Unreadable != nil) != reads || len(got.By) != len(tables) {
		t.Errorf("%s by %s: exit code %d, %+v, want %v, dead %v", name, tables, r.code, got, all, dead)
	}
	want := [][]string{csvColumns}
	for _, by := range tables {
		var sum, sumDead stats.Sum
		for _, row := range got.By[by] {
			sum = stats.Sum{Entries: sum.Entries + row.Entries, Bytes: sum.Bytes + row.Bytes}
			sumDead = stats.Sum{Entries: sumDead.Entries + row.Dead.Entries, Bytes: sumDead.Bytes + row.Dead.Bytes}
			want = append(want, csvFields(by, &row))
		}
		if by.SumsUp() && (sum != all || sumDead != dead) {
			t.Errorf("%s by %s: rows add up to %v, dead %v, want %v, dead %v", name, by, sum, sumDead, all, dead)
		}
	}
	records, err := csv.NewReader(strings.NewReader(walfs(t, append(args, "--format", "csv")...).stdout)).ReadAll()
	if err != nil || fmt.Sprint(records) != fmt.Sprint(want) {
		t.Errorf("%s by %s: CSV %v, want %v: %v", name, tables, records, want, err)
	}
}

// TestStatsOfWhatFiltersLeave: it is what dump prints with the same filter.
func TestStatsOfWhatFiltersLeave(t *testing.T) {
	fixture.OneSize(t)
	fixture.NotForRace(t)
	t.Parallel()
	dir := fixture.Dir(t, "alpha")
	for _, filters := range []string{
		"--kind mutation", "--kind commit --limit 30", "--predicate name --from 100 --to 200", "--grep bio --limit 7",
		"--type conf_change", "--txn 5", "--member 1 --kind schema", "--replay", "--kind drop", "--limit 1",
	} {
		var all stats.Sum
		for _, line := range strings.Fields(walfs(t, append([]string{"dump", dir, "--format", "json"}, strings.Fields(filters)...)...).stdout) {
			var e struct{ Size int64 }
			fixture.Must(t, json.Unmarshal([]byte(line), &e))
			all = stats.Sum{Entries: all.Entries + 1, Bytes: all.Bytes + e.Size}
		}
		for _, by := range []string{"kind", "term"} {
			r := walfs(t, append([]string{"stats", dir, "--json", "--by", by}, strings.Fields(filters)...)...)
			var got sums.Report
			fixture.Must(t, json.Unmarshal([]byte(r.stdout), &got))
			if got.Sum != all || r.code != 0 || (r.stderr == "") != (all.Entries > 0) {
				t.Errorf("%s by %s: %v, dump has %v\n%s", filters, by, got.Sum, all, r.stderr)
			}
		}
	}
}

// TestStatsSaysWhatCannotBeRead as dump does, with the same exit code, and adds up the rest.
func TestStatsSaysWhatCannotBeRead(t *testing.T) {
	fixture.OneSize(t)
	fixture.NotForRace(t)
	t.Parallel()
	damaged := fixture.Dir(t, "alpha")
	file := fixture.Edit(t, filepath.Join(damaged, "00001.wal"))
	for index := 100; index < 300; index += 2 {
		file.Set(index-1, fixture.Offset, 4)
	}
	lost := fixture.Dir(t, "sealed128") // a file that has lost its key id
	fixture.Edit(t, filepath.Join(lost, "00001.wal")).Write(1<<20-16, make([]byte, 16))
	for _, test := range []struct {
		name string
		args []string
		code int
	}{
		{"no key", []string{fixture.Dir(t, "sealed128")}, exitKey},
		{"no key, from 3", []string{fixture.Dir(t, "sealed128"), "--from", "3"}, exitKey},
		{"key id erased", []string{lost, "--key-file", keyFile(t, "sealed128")}, exitKey},
		{"damage", []string{damaged}, exitDamage},
		{"damage in a range", []string{damaged, "--from", "150", "--to", "161"}, exitDamage},
		{"a range that ends in damage", []string{damaged, "--from", "150", "--to", "160"}, exitDamage},
		{"a range of damage", []string{damaged, "--from", "160", "--to", "160"}, exitDamage},
		{"behind the damage", []string{damaged, "--from", "300"}, 0},
		{"limited before the damage", []string{damaged, "--limit", "20"}, 0},
	} {
		want := walfs(t, append([]string{"dump"}, test.args...)...)
		got := walfs(t, append([]string{"stats"}, test.args...)...)
		if got.code != test.code || want.code != test.code || got.stderr != want.stderr {
			t.Errorf("%s: exit code %d, dump's %d, want %d\n%s\ndump says\n%s", test.name, got.code, want.code, test.code, got.stderr, want.stderr)
		}
	}
	r := walfs(t, "stats", fixture.Dir(t, "sealed128"), "--by", "kind")
	if want := "(unreadable)      650  92585  100.0 %\n"; !strings.Contains(r.stdout, want) {
		t.Errorf("%s", r.stdout)
	}
	// Whether an entry matches may depend on what it says.
	r = walfs(t, "stats", fixture.Dir(t, "sealed128"), "--by", "size", "--kind", "text,empty", "--json")
	if want := "{\n  \"entries\": 0,\n"; !strings.HasPrefix(r.stdout, want) || !strings.Contains(r.stdout, "\"unreadable\": 650,\n") || r.code != exitKey {
		t.Errorf("exit code %d, %s", r.code, r.stdout)
	}
	// By what needs no payload, there is nothing to say.
	ok(t, "stats", fixture.Dir(t, "sealed128"), "--by", "size")
}

// TestStatsUsage: wrong flags are said before anything is opened.
func TestStatsUsage(t *testing.T) {
	fixture.OneSize(t)
	fixture.NotForRace(t)
	t.Parallel()
	for _, test := range []struct{ args, want string }{
		{"--by kinds", "--by kinds: want kind, predicate, file, term, member, namespace, size or hour; did you mean kind?"},
		{"--format cvs", "--format cvs: want text, json or csv; did you mean csv?"},
		{"--json --format csv", "--json and --format exclude one another"},
		{"--top -1", "--top takes a number of rows"},
		{"--from 3 --to 2", "--from lies above --to"},
		{"--by=", `--by "": want kind`},
		{"--format=", `--format "": want text`},
	} {
		fails(t, exitUsage, test.want, append([]string{"stats", "nowhere"}, strings.Fields(test.args)...)...)
	}
	fails(t, exitFailed, "nowhere", "stats", "nowhere")
}

// TestStatsTop: lists that are cut say how to see all, in text and in JSON.
func TestStatsTop(t *testing.T) {
	fixture.NotForRace(t)
	t.Parallel()
	dir := fixture.Dir(t, "alpha")
	for _, test := range []struct{ args, want string }{
		{"--by predicate --top 2", "\n(none)         575      0        0   18620   10.5 %\n(all)          975   2000        0  176680  100.0 %\n(4 more: --top 0 shows all)\n"},
		{"--top 2", "\n(3 more: --by kind shows all)\n"},
		{"--top 1 --json --by size", "  \"left_off\": {\n    \"size\": 6\n  }\n"},
	} {
		if text := ok(t, append([]string{"stats", dir}, strings.Fields(test.args)...)...); !strings.Contains(text, test.want) {
			t.Errorf("%s: want %s in\n%s", test.args, test.want, text)
		}
	}
	if text := ok(t, "stats", dir, "--by", "predicate", "--top", "0"); strings.Contains(text, "more") {
		t.Errorf("--top 0: %s", text)
	}
}

// TestStatsOfNothing says nothing of the times of entries that are not there.
func TestStatsOfNothing(t *testing.T) {
	t.Parallel()
	const want = "HOUR   ENTRIES  BYTES  SHARE\n(all)        0      0      -\n"
	r := walfs(t, "stats", fixture.Dir(t, "empty"), "--by", "hour")
	if r.code != 0 || r.stdout != want || r.stderr != "walfs: the log has no entries\n" {
		t.Errorf("exit code %d\n%s%s", r.code, r.stdout, r.stderr)
	}
}
