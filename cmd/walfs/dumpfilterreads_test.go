package main

import (
	"bytes"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/dgraph"
	"github.com/walfs/walfs/walcore/payload"
)

// countingSource notes which payloads are read.
type countingSource struct {
	source walcore.Source
	read   map[uint64]bool // by index
}

func (c countingSource) Entries(from uint64) iter.Seq[walcore.Entry] { return c.source.Entries(from) }

func (c countingSource) ReadPayload(e walcore.Entry, p []byte, off int64) error {
	c.read[e.Index] = true
	return c.source.ReadPayload(e, p, off)
}

// countingDecoder notes how often it makes JSON, and how often facts.
type countingDecoder struct {
	payload.Decoder
	texts, facts int
}

func (c *countingDecoder) AppendJSON(dst []byte, e payload.Entry) ([]byte, error) {
	c.texts++
	return c.Decoder.AppendJSON(dst, e)
}

func (c *countingDecoder) AppendCompact(dst []byte, e payload.Entry) ([]byte, error) {
	c.texts++
	return c.Decoder.AppendCompact(dst, e)
}

func (c *countingDecoder) Facts(f *payload.Facts, e payload.Entry) {
	c.facts++
	c.Decoder.Facts(f, e)
}

// filterOf is the filter of a command line.
func filterOf(t *testing.T, line string) filterFlags {
	t.Helper()
	var f filterFlags
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	f.add(flags)
	fixture.Must(t, flags.Parse(strings.Fields(line)))
	fixture.Must(t, f.check())
	return f
}

// readBy is which payloads of a log are read to print what a filter lets through, and what
// the decoder does.
func readBy(t *testing.T, log walcore.Log, line, format string) (read []uint64, d *countingDecoder) {
	t.Helper()
	all := map[uint64]bool{}
	for _, file := range log.(walcore.Filer).Files() {
		source := file.Source
		file.Source = countingSource{source, all}
		defer func() { file.Source = source }()
	}
	o := dumpOptions{format: format, filter: filterOf(t, line)}
	fixture.Must(t, o.filter.resolve(log))
	d = &countingDecoder{Decoder: payload.NewDgraph(payload.Alpha, payload.Options{})}
	var out bytes.Buffer
	fixture.Must(t, newDumper(&o, unclosed{log}, d, &out).run(t.Context()))
	for index := range all {
		read = append(read, index)
	}
	slices.Sort(read)
	return read, d
}

// unclosed is a log that a dumper does not close.
type unclosed struct{ walcore.Log }

func (unclosed) Close() error { return nil }

// TestDumpFilterReads: the payload of an entry that cannot match is not read, by what the
// filter asks for, and JSON is made only where it is printed or --grep asks for it.
func TestDumpFilterReads(t *testing.T) {
	fixture.NotForRace(t)
	log, err := dgraph.OpenReader(fixture.Dir(t, "rewritten"), dgraph.ReaderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	normal := func(e walcore.Entry) bool { return e.Type == walcore.EntryNormal && e.Size > 0 }
	change := func(e walcore.Entry) bool { return e.Type != walcore.EntryNormal && e.Size > 0 }
	none := func(walcore.Entry) bool { return false }
	for _, test := range []struct {
		line        string
		read        func(walcore.Entry) bool
		facts, text bool
	}{
		{"", func(e walcore.Entry) bool { return e.Size > 0 }, false, false},
		{"--term 5 --from 20", func(e walcore.Entry) bool { return e.Term == 5 && e.Index >= 20 && e.Size > 0 }, false, false},
		{"--predicate name", normal, true, false},
		{"--uid 1", normal, true, false},
		{"--txn 1", normal, true, false},
		{"--namespace 0", normal, true, false},
		{"--key 1", normal, true, false},
		{"--member 2", func(e walcore.Entry) bool { return e.Size > 0 }, true, false},
		{"--kind mutation,drop", normal, true, false},
		{"--kind empty", none, true, false},
		{"--kind too_large", none, true, false},
		{"--kind conf_change", change, true, false},
		{"--kind conf_change,empty --uid 1", none, true, false},
		{"--kind text --term 9", func(e walcore.Entry) bool { return e.Term == 9 && e.Size > 0 }, true, false},
		{"--type conf_change --grep x", func(e walcore.Entry) bool { return e.Type == walcore.EntryConfChange }, false, true},
		{"--type conf_change --txn 1 --grep x", none, false, false},
		{"--kind delta --grep x", normal, true, false}, // there is none
		{"--kind conf_change --grep x", change, true, true},
		{"--since 2100-01-01 --until 2100-01-02", none, false, false},
	} {
		var want []uint64
		for e := range log.Entries(0) {
			if test.read(e) {
				want = append(want, e.Index)
			}
		}
		for _, format := range []string{"raw", "json"} {
			got, d := readBy(t, log, test.line, format)
			if !slices.Equal(got, want) {
				t.Errorf("%s: %d payloads are read, want %d\n%v\n%v", test.line, len(got), len(want), got, want)
			}
			if (d.facts > 0) != test.facts || (d.texts > 0) != test.text {
				t.Errorf("%s, %s: %d times facts, %d times JSON", test.line, format, d.facts, d.texts)
			}
		}
	}
}
