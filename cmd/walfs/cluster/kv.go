package cluster

import (
	"encoding/json"
	"fmt"
	"maps"
	"sync"
)

// command is what goes through the log, as JSON: a value for a key. ID tells
// the node that has proposed it that it is applied.
type command struct {
	ID    string `json:"id"`
	Put   string `json:"put"`
	Value string `json:"value"`
}

// kv is the state machine: keys and their values.
type kv struct {
	mu     sync.Mutex // protects values
	values map[string]string
}

func (s *kv) apply(data []byte) (id string, err error) {
	var c command
	if err := json.Unmarshal(data, &c); err != nil {
		return "", fmt.Errorf("entry %q: %w", data, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.values[c.Put] = c.Value
	return c.ID, nil
}

// snapshot is all of it: JSON, with sorted keys, so that equal stores are equal
// byte for byte.
func (s *kv) snapshot() ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return json.MarshalIndent(s.values, "", "  ")
}

func (s *kv) restore(data []byte) error {
	values := map[string]string{}
	if err := json.Unmarshal(data, &values); err != nil {
		return fmt.Errorf("snapshot: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.values = values
	return nil
}

func (s *kv) copy() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.values)
}
