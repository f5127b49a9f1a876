package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/dgraph"
	"github.com/walfs/walfs/walcore/payload"
	"github.com/walfs/walfs/walcore/pending"
	"github.com/walfs/walfs/walcore/status"
)

// TestAgreement: what is counted from the lines of dump --format json --decode, here and
// by jq, is what payload.Facts say of each entry, and what stat, dump's table, stats, explain
// and export say of the log.
func TestAgreement(t *testing.T) {
	fixture.NotForRace(t)
	forAgreementLogs(t, fixture.All(), func(t *testing.T, l agreementLog) {
		log, err := dgraph.OpenReader(l.dir, dgraph.ReaderOptions{Key: l.key})
		fixture.Must(t, err)
		defer log.Close()
		facts := factsOf{decoder: payload.NewDgraph(payload.AppOf(log), payload.Options{})}
		counted, jq, explaining := newTally(), startJQ(t), newExplainCheck(t, l, log)
		dumpLines(t, l, func(text []byte) {
			line := parseJSONLine(t, text)
			s := saidByJSON(line)
			facts.agree(t, line, s)
			counted.add(line, s)
			explaining.add(line, s)
			jq.count(t, text, line, s)
		})
		facts.agreeOnPending(t, counted)
		statusAgrees(t, log, counted)
		tableAgrees(t, l, counted)
		statsAgrees(t, l, counted)
		explaining.agrees(t, counted)
		if l.name != "bigdata" { // CSV of payloads of 4 MiB takes long; package export reads those back
			exportAgrees(t, l, counted)
		}
		t.Run("jq", jq.agrees)
	})
}

// factsOf has the facts of one entry after the other.
type factsOf struct {
	decoder *payload.Dgraph
	facts   payload.Facts
	txns    pending.Txns
}

// agree wants the same of an entry's facts as the JSON says.
func (f *factsOf) agree(t *testing.T, l *jsonLine, want *said) {
	t.Helper()
	f.decoder.Facts(&f.facts, payload.Entry{Term: l.Term, Index: l.Index, Type: uint32(typeNumbers[l.Type]), Data: l.Data})
	if got, want := fmt.Sprintf("%+v", saidByFacts(&f.facts)), fmt.Sprintf("%+v", want); got != want {
		t.Fatalf("facts of entry %d say\n%s\nthe JSON\n%s", l.Index, got, want)
	}
	f.txns.Add(&f.facts, l.Index)
}

func (f *factsOf) agreeOnPending(t *testing.T, want *tally) {
	t.Helper()
	open := map[uint64]uint64{}
	for _, txn := range f.txns.List() {
		open[txn.StartTs] = txn.First
	}
	if !maps.Equal(open, want.pending) || f.txns.Commits != want.commits || f.txns.Aborts != want.aborts {
		t.Errorf("pending %v, %d commits, %d aborts; want %v, %d, %d", open, f.txns.Commits, f.txns.Aborts, want.pending, want.commits, want.aborts)
	}
	if oldest, first, ok := want.oldestPending(); ok && (f.txns.List()[0].StartTs != oldest || f.txns.List()[0].First != first) {
		t.Errorf("the oldest that is pending: %+v, want %d since %d", f.txns.List()[0], oldest, first)
	}
}

// allKinds are those that Facts.Is takes, but for what only other decoders give.
var allKinds = []string{
	payload.KindEmpty, payload.KindConfChange, payload.KindMutation, payload.KindSchema, payload.KindDrop,
	payload.KindDelta, payload.KindTxn, payload.KindMember, payload.KindTablet, payload.KindLease,
	payload.KindSnapshot, payload.KindRestore, payload.KindState, payload.KindKV, payload.KindClean,
	payload.KindCDC, payload.KindDeleteNs, payload.KindExtSnapshot, payload.KindOther, payload.KindTooLarge,
	payload.KindText, payload.KindBinary, payload.KindCommit, payload.KindAbort, payload.KindMembership,
}

// saidByFacts asks facts all that they can say.
func saidByFacts(f *payload.Facts) *said {
	s := &said{kind: f.Kind, txn: f.StartTs, edges: sizes{edges: f.Edges, deletes: f.Deletes}, predicates: map[string]sizes{},
		decided: slices.Collect(f.Txns()), members: f.Members, namespaces: f.AppendNamespaces(nil)}
	for _, kind := range allKinds {
		if f.Is(kind) {
			s.kinds = append(s.kinds, kind)
		}
	}
	slices.Sort(s.kinds)
	s.proposer, _ = f.Proposer()
	for e := range f.EachEdge() {
		s.edges.bytes += e.Size
	}
	for _, p := range f.Predicates {
		s.predicates[p.Name] = sizes{p.Edges, p.Deletes, p.Bytes}
	}
	return s
}

// statusAgrees: stat counts the same entries, in all, by term and by file.
func statusAgrees(t *testing.T, log walcore.Log, want *tally) {
	t.Helper()
	s := status.New(log)
	if int(s.Entries) != want.all.entries || int64(*s.Bytes) != want.all.bytes {
		t.Errorf("stat counts %d entries, %d bytes, want %+v", s.Entries, *s.Bytes, want.all)
	}
	terms, files := map[string]int{}, map[string]int{}
	for _, n := range s.Terms {
		terms[fmt.Sprint(n.Term)] = int(n.Entries)
	}
	for _, f := range s.Files {
		if f.Entries > 0 {
			files[f.Name] = int(f.Entries)
		}
	}
	if by := want.entriesBy("term"); !maps.Equal(terms, by) {
		t.Errorf("stat counts by term %v, want %v", terms, by)
	}
	if by := want.entriesBy("file"); !maps.Equal(files, by) {
		t.Errorf("stat counts by file %v, want %v", files, by)
	}
}

// tableAgrees: what dump's table sums up, of these entries, is the same.
func tableAgrees(t *testing.T, l agreementLog, want *tally, flags ...string) {
	t.Helper()
	r := walfs(t, append([]string{"dump", "--key-file", l.keyFile, l.dir}, flags...)...)
	kinds, predicates := map[string]string{}, map[string]string{}
	for name, w := range want.by["kind"] {
		kinds[name] = fmt.Sprint(w.entries, w.bytes)
	}
	for name, w := range want.by["predicate"] {
		predicates[quoted(name)] = fmt.Sprint(w.entries, w.edges.edges, w.edges.bytes)
	}
	if got := rows(t, r.stdout, "KIND "); !maps.Equal(got, kinds) {
		t.Errorf("dump %v: kinds %v, want %v", flags, got, kinds)
	}
	if got := rows(t, r.stdout, "PREDICATE "); !maps.Equal(got, predicates) {
		t.Errorf("dump %v: predicates %v, want %v", flags, got, predicates)
	}
	pending := "\n" + count(len(want.pending), "transaction", "transactions") + " started, neither committed nor aborted in what is printed\n"
	if len(want.pending) > 0 && !strings.Contains(r.stdout, pending) {
		t.Errorf("dump %v: no %q", flags, pending)
	}
}

// TestAgreementOnParts: a part of a log is counted by itself.
func TestAgreementOnParts(t *testing.T) {
	fixture.NotForRace(t)
	forAgreementLogs(t, fixture.WithDecoded(), func(t *testing.T, l agreementLog) {
		for _, part := range []struct {
			flags  string
			filter func(*jsonLine, *said) bool
		}{
			{"--from 5 --to 12", func(e *jsonLine, _ *said) bool { return 5 <= e.Index && e.Index <= 12 }},
			{"--term 2", func(e *jsonLine, _ *said) bool { return e.Term == 2 }},
			{"--type conf_change", func(e *jsonLine, _ *said) bool { return e.Type == "EntryConfChange" }},
			{"--kind mutation", func(_ *jsonLine, s *said) bool { return slices.Contains(s.kinds, payload.KindMutation) }},
			{"--kind commit,drop", func(_ *jsonLine, s *said) bool {
				return slices.Contains(s.kinds, payload.KindCommit) || slices.Contains(s.kinds, payload.KindDrop)
			}},
			{"--member 1", func(_ *jsonLine, s *said) bool { return s.proposer == 1 || slices.Contains(s.members, 1) }},
			{"--namespace 2", func(_ *jsonLine, s *said) bool { return slices.Contains(s.namespaces, 2) }},
			{"--predicate 0-name", func(_ *jsonLine, s *said) bool { _, named := s.predicates["0-name"]; return named }},
		} {
			tableAgrees(t, l, tallyOf(t, l, part.filter), strings.Fields(part.flags)...)
		}
	})
}

// TestAgreementLogsHaveAllKinds: what the logs do not have, nothing agrees on.
func TestAgreementLogsHaveAllKinds(t *testing.T) {
	fixture.NotForRace(t)
	found := map[string]bool{payload.KindTooLarge: true} // more than 64 MiB: no log for tests
	for name, write := range anyLogs {
		dir := t.TempDir()
		write(t, dir)
		dumpLines(t, agreementLog{name: name, dir: dir}, func(text []byte) {
			for _, kind := range saidByJSON(parseJSONLine(t, text)).kinds {
				found[kind] = true
			}
		})
	}
	for _, kind := range allKinds {
		if !found[kind] {
			t.Errorf("no log has an entry of kind %s", kind)
		}
	}
}
