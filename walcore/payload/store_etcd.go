package payload

import (
	"encoding/json"
	"reflect"
)

// ownOfStore are what each member counts for itself in its old store, by name.
var ownOfStore = []string{"CreatedIndex", "ModifiedIndex", "CurrentIndex", "Stats", "WatcherHub"}

// SameStore reports whether two snapshots of etcd's hold the same in its old store. Each
// member numbers the changes of its own store, so that the bytes differ in members that agree.
func SameStore(a, b []byte) bool {
	var x, y any
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		return false
	}
	return reflect.DeepEqual(withoutOwn(x), withoutOwn(y))
}

// withoutOwn leaves out of a store what is its member's own.
func withoutOwn(v any) any {
	object, ok := v.(map[string]any)
	if !ok {
		return v // the store has no lists of nodes
	}
	for _, name := range ownOfStore {
		delete(object, name)
	}
	for _, below := range object {
		withoutOwn(below)
	}
	return object
}
