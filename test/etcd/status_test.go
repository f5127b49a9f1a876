//go:build linux

package etcd

import (
	"encoding/json"
	"testing"

	"github.com/walfs/walfs/test/atwork"
	"github.com/walfs/walfs/test/fixture"
)

// status is what is needed of walfs stat --json.
type status struct {
	NodeID    string `json:"node_id"`
	ClusterID string `json:"cluster_id"`
	HardState struct {
		Term, Vote, Commit uint64
	} `json:"hard_state"`
	Snapshot struct {
		Index, Term uint64
		Size        int64
	}
	FirstIndex uint64 `json:"first_index"`
	LastIndex  uint64 `json:"last_index"`
	Problems   []json.RawMessage
}

// stat fails if walfs finds a problem.
func stat(t *testing.T, dir string) (s status) {
	t.Helper()
	fixture.Must(t, json.Unmarshal(atwork.Walfs(t, "stat", "--json", dir), &s))
	if len(s.Problems) > 0 {
		t.Fatalf("problems: %s", s.Problems)
	}
	return s
}
