package main

import (
	"bufio"
	"encoding/json"
	"io"
	"slices"
	"testing"

	"github.com/walfs/walfs/test/fixture"
)

// jsonLine is a line of dump --format json --decode, in as far as something is counted
// in it. Whatever reads the lines can count the same: no code of walfs is used for it.
type jsonLine struct {
	Index, Term uint64
	Size        int64
	Type, File  string
	Data        []byte
	Decoded     struct {
		Key          *uint64 `json:",string"`
		Proposal     *jsonProposal
		ConfChange   *jsonChange `json:"conf_change"`
		ConfChangeV2 *struct {
			Changes []jsonChange
		} `json:"conf_change_v2"`
		Text, Base64 *string
		NotDecoded   *string `json:"not_decoded"`
	}
}

type jsonChange struct {
	Node uint64 `json:"node_id,string"`
}

// jsonProposal is a Proposal or a ZeroProposal. What is only there or not is raw.
type jsonProposal struct {
	// An Alpha's.
	Mutations   *jsonMutations
	KV          json.RawMessage
	State       *jsonState
	Clean       *string `json:"clean_predicate"`
	CleanBase64 []byte  `json:"clean_predicate_base64"`
	Delta       *struct {
		Txns []jsonTxn
	}
	Restore     json.RawMessage
	CDC         json.RawMessage `json:"cdc_state"`
	ExtSnapshot json.RawMessage `json:"ext_snapshot_state"`

	// Either's.
	Snapshot *struct {
		Context *jsonID
	}
	DeleteNs *struct {
		Namespace uint64 `json:",string"`
	} `json:"delete_ns"`

	// A Zero's.
	SnapshotTs json.RawMessage `json:"snapshot_ts"`
	Member     *jsonID
	Tablet     *jsonPredicate
	Tablets    []jsonPredicate
	Txn        *jsonTxn

	MaxUID, MaxTxnTs, MaxRaftID, MaxNsID, CID json.RawMessage

	CIDBase64 json.RawMessage `json:"cid_base64"`
}

type jsonMutations struct {
	StartTs   uint64 `json:"start_ts,string"`
	Edges     []jsonEdge
	Schema    []jsonPredicate
	Types     json.RawMessage
	DropOp    any    `json:"drop_op"` // a name, or a number that has none
	DropValue string `json:"drop_value"`
}

type jsonEdge struct {
	Entity      uint64 `json:",string"`
	Attr        string
	AttrBase64  []byte `json:"attr_base64"`
	Value       any
	ValueBase64 []byte `json:"value_base64"`
	Op          any    // as drop_op
}

// dropsPredicate: it deletes all values of its predicate, of every entity.
func (e *jsonEdge) dropsPredicate() bool {
	const all = "_STAR_ALL"
	return e.Op == "DEL" && e.Entity == 0 && (e.Value == all || string(e.ValueBase64) == all)
}

type jsonTxn struct {
	StartTs  uint64 `json:"start_ts,string"`
	CommitTs uint64 `json:"commit_ts,string"`
	Aborted  bool
	Preds    []jsonText
}

// jsonText is an element of a list of texts: an object with base64 where it is no UTF-8.
type jsonText string

func (s *jsonText) UnmarshalJSON(b []byte) error {
	if b[0] == '"' {
		return json.Unmarshal(b, (*string)(s))
	}
	var object struct{ Base64 []byte }
	err := json.Unmarshal(b, &object)
	*s = jsonText(object.Base64)
	return err
}

type jsonID struct {
	ID uint64 `json:",string"`
}

type jsonPredicate struct {
	Predicate       string
	PredicateBase64 []byte `json:"predicate_base64"`
}

// jsonState is the membership of a whole cluster.
type jsonState struct {
	Groups map[string]struct {
		Members map[string]json.RawMessage // by raft id
	}
	Zeros   map[string]json.RawMessage
	Removed []jsonID
}

// parseJSONLine reads a line.
func parseJSONLine(t *testing.T, text []byte) *jsonLine {
	t.Helper()
	line := new(jsonLine)
	if err := json.Unmarshal(text, line); err != nil {
		t.Fatalf("%v: %.500s", err, text)
	}
	return line
}

// edgeSizes are how many bytes each edge has as encoded, which the JSON does not tell. Parts
// of a message merge.
func (l *jsonLine) edgeSizes() (sizes []int) {
	const keySize, mutations, edges = 8, 2, 3
	merged := slices.Concat(submessages(l.Data[min(keySize, len(l.Data)):], mutations)...)
	for _, edge := range submessages(merged, edges) {
		sizes = append(sizes, len(edge))
	}
	return sizes
}

// dumpLines runs dump --format json --decode on a log, and calls fn with each line.
func dumpLines(t *testing.T, l agreementLog, fn func(line []byte)) {
	t.Helper()
	cmd := command(t, t.Context(), "dump", "--format", "json", "--decode", "--key-file", l.keyFile, l.dir)
	out, err := cmd.StdoutPipe()
	fixture.Must(t, err)
	fixture.Must(t, cmd.Start())
	in := bufio.NewReaderSize(out, 1<<20)
	for {
		line, err := in.ReadBytes('\n')
		if err == io.EOF && len(line) == 0 {
			break
		}
		fixture.Must(t, err)
		fn(line)
	}
	fixture.Must(t, cmd.Wait())
}
