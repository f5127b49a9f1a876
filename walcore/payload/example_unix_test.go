//go:build unix

package payload_test

import (
	"fmt"

	"github.com/walfs/walfs/walcore/payload"
)

// A program of the user's own reads a line of hex and answers STATUS|DATA. It starts
// with the first entry.
func ExampleNewProgram() {
	d := payload.NewProgram(`while read -r hex; do echo "OK|got $hex"; done`)
	defer d.Close()
	line, err := d.AppendCompact(nil, payload.Entry{Term: 2, Index: 42, Data: []byte("hi")})
	fmt.Println(string(line), err)
	// Output: {"term":2,"index":42,"type":"EntryNormal","size":2,"decoder":{"status":"OK","data":"got 6869"}} <nil>
}
