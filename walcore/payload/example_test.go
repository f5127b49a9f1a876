package payload_test

import (
	"fmt"
	"log"

	"github.com/walfs/walfs/test/memlog"
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

// Entries of the user's own application, with a schema from a .proto file.
func ExampleNewCustom() {
	md, err := payload.LoadMessage("testdata/kinds.proto", "kinds.All")
	if err != nil {
		log.Fatal(err)
	}
	d := payload.NewCustom(md, 2, payload.Options{}) // two bytes before the message
	entry := payload.Entry{Term: 2, Index: 42, Data: []byte("\x00\x01\x18\x05")}
	line, err := d.AppendCompact(nil, entry)
	fmt.Println(string(line), err)
	// Output: {"term":2,"index":42,"type":"EntryNormal","size":4,"skipped_base64":"AAE=","message":{"i32":5}} <nil>
}

// A log of which nothing shows that an Alpha wrote it counts as a Zero's.
func ExampleAppOf() {
	fmt.Println(payload.AppOf(memlog.Sample("/var/lib/memory")))
	// Output: zero
}

func ExampleAlphaSnapshot_Encode() {
	data := payload.AlphaSnapshot{
		Context: payload.RaftContext{ID: 3, Group: 1, Addr: "h:7080"}, Index: 6434, ReadTs: 9060}.Encode()
	fmt.Printf("%s", payload.NewDgraph(payload.Alpha, payload.Options{}).AppendSnapshot(nil, data))
	// Output:
	// {
	//   "size": 27,
	//   "snapshot": {
	//     "context": {
	//       "id": "3",
	//       "group": 1,
	//       "addr": "h:7080"
	//     },
	//     "index": "6434",
	//     "read_ts": "9060"
	//   }
	// }
}
