package format_test

import (
	"fmt"

	"github.com/walfs/walfs/walcore/format"
)

func ExampleDecodeSlot() {
	table := make([]byte, format.SlotTableSize)
	format.EncodeSlot(table[2*format.SlotSize:], format.Slot{Term: 2, Index: 43, Offset: format.PayloadAt + 96})

	slot := format.DecodeSlot(table[2*format.SlotSize:])
	fmt.Println(slot.Index, slot.Term, slot.Offset, slot.Type)
	// Output: 43 2 1048672 EntryNormal
}

func ExampleParseFileName() {
	for _, name := range []string{"00042.wal", "42.wal", "00042.wal.old"} {
		id, ok := format.ParseFileName(name)
		fmt.Println(name, id, ok)
	}
	// Output:
	// 00042.wal 42 true
	// 42.wal 0 false
	// 00042.wal.old 0 false
}
