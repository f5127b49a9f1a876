package payload

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"testing"
	"time"
)

// referenceValue is the test's own reading of an edge's value.
func referenceValue(t *testing.T, typ, value string) any {
	b, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		t.Fatal(err)
	}
	switch typ {
	case "INT":
		return json.Number(fmt.Sprint(int64(binary.LittleEndian.Uint64(b))))
	case "DATETIME":
		var tm time.Time
		if err := tm.UnmarshalBinary(b); err != nil {
			t.Fatal(err)
		}
		return tm.Format(time.RFC3339Nano)
	case "STRING", "":
		return string(b)
	}
	t.Fatalf("no reference for a value of type %s", typ)
	return nil
}
