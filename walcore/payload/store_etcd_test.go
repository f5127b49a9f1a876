package payload

import "testing"

func TestSameStore(t *testing.T) {
	const store = `{"Root":{"CreatedIndex":0,"Children":{"0":{"ModifiedIndex":4,"Value":"{\"name\":\"n1\"}"}}},"CurrentIndex":8,"Stats":{"setsSuccess":4}}`
	for _, test := range []struct {
		what, other string
		want        bool
	}{
		{"itself", store, true},
		{"other counts", `{"Root":{"CreatedIndex":1,"Children":{"0":{"ModifiedIndex":6,"Value":"{\"name\":\"n1\"}"}}},"CurrentIndex":9}`, true},
		{"another name", `{"Root":{"Children":{"0":{"Value":"{\"name\":\"n2\"}"}}}}`, false},
		{"a member more", `{"Root":{"Children":{"0":{"Value":"{\"name\":\"n1\"}"},"1":{}}}}`, false},
		{"no JSON", `{"Root":`, false},
	} {
		if got := SameStore([]byte(store), []byte(test.other)); got != test.want {
			t.Errorf("%s: %v", test.what, got)
		}
	}
}
