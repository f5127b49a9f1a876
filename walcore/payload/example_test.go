package payload_test

import (
	"fmt"

	"github.com/walfs/walfs/walcore/payload"
)

func ExampleNewDgraph() {
	d := payload.NewDgraph(payload.Alpha, payload.Options{})
	entry := payload.Entry{Term: 2, Index: 42, Type: 0, Data: []byte("some plain text")}

	line, err := d.AppendCompact(nil, entry)
	fmt.Println(string(line), err)

	var s payload.Summary
	err = d.Summarize(&s, entry)
	fmt.Println(string(s.Line), err)
	// Output:
	// {"term":2,"index":42,"type":"EntryNormal","size":15,"text":"some plain text"} <nil>
	// "some plain text" <nil>
}
