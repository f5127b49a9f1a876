package format

import (
	"bytes"
	"encoding/binary"
	"unsafe"
)

// Column is a row of numbers, packed so that each can still be read by itself.
// It does not change.
//
// Numbers in a slot table mostly go up evenly, or not at all. So a block of them
// is kept as a straight line below them, and for each number how far it lies above
// the line, in as few bytes as the farthest one needs: 2 for the offsets of payloads
// of some kilobytes, none for indexes. All arithmetic wraps around, so that any
// numbers come out as they went in.
type Column struct {
	shift  uint8 // a block has 1<<shift numbers
	blocks []block
	data   []byte
}

// block says that its number j is base + j*slope + the width bytes at
// data[at+j*width].
type block struct {
	base, slope uint64
	at, width   uint32
}

const (
	blockShift = 7
	blockSize  = 1 << blockShift
	oneBlock   = 63 // shift of a column that is one straight line
	wordSize   = 8  // what is read for a number of any width
)

func (c *Column) At(i int) uint64 {
	b := &c.blocks[i>>(c.shift&63)]
	j := uint64(i & (1<<(c.shift&63) - 1))
	line := b.base + j*b.slope
	if b.width == 0 {
		return line
	}
	return line + binary.LittleEndian.Uint64(c.data[uint64(b.at)+j*uint64(b.width):])&(1<<(8*b.width)-1)
}

// unpack gives the numbers from the given one on, which are in one block.
func (c *Column) unpack(numbers []uint64, from int) {
	b := &c.blocks[from>>(c.shift&63)]
	first := uint64(from & (1<<(c.shift&63) - 1))
	line := b.base + first*b.slope
	data, mask := c.data[uint64(b.at)+first*uint64(b.width):], uint64(1)<<(8*b.width)-1
	for j := range numbers {
		numbers[j] = line
		if mask > 0 {
			numbers[j] += binary.LittleEndian.Uint64(data[j*int(b.width):]) & mask
		}
		line += b.slope
	}
}

// extends reports whether c has the first n numbers of old. Blocks of the same
// numbers are the same, whatever comes after them.
func (c *Column) extends(old *Column, n int) bool {
	whole := n / blockSize
	for k := range whole {
		b, data := c.block(k)
		was, had := old.block(k)
		if b != was || !bytes.Equal(data, had) {
			return false
		}
	}
	for i := whole * blockSize; i < n; i++ {
		if c.At(i) != old.At(i) {
			return false
		}
	}
	return true
}

// block gives block k, a whole one, and its data.
func (c *Column) block(k int) (block, []byte) {
	if c.shift == oneBlock {
		b := c.blocks[0]
		b.base += uint64(k*blockSize) * b.slope
		return b, nil
	}
	b := c.blocks[k]
	data := c.data[b.at:][:blockSize*b.width]
	b.at = 0
	return b, data
}

// PackColumn packs n numbers; fill gives those from the given one on.
func PackColumn(n int, fill func(numbers []uint64, from int)) Column {
	blocks := make([]block, 0, (n+blockSize-1)/blockSize)
	data := make([]byte, 0, 2*n+wordSize)
	straight := true
	var buf [blockSize]uint64
	for i := 0; i < n; i += blockSize {
		numbers := buf[:min(blockSize, n-i)]
		fill(numbers, i)
		b := nearestLine(numbers)
		b.at = uint32(len(data))
		blocks = append(blocks, b)
		first := blocks[0]
		straight = straight && b.width == 0 && b.slope == first.slope && b.base == first.base+uint64(i)*first.slope
		data = b.appendTo(data, numbers)
	}
	if straight && n > 0 {
		return Column{shift: oneBlock, blocks: []block{blocks[0]}}
	}
	// Room for the last word to be read.
	return Column{shift: blockShift, blocks: blocks, data: bytes.Clone(append(data, make([]byte, wordSize)...))}
}

// appendTo appends how far the numbers lie above the line.
func (b *block) appendTo(data []byte, numbers []uint64) []byte {
	if b.width == 0 {
		return data
	}
	at, width := len(data), int(b.width)
	end := at + width*len(numbers)
	data = append(data, make([]byte, width*len(numbers)+wordSize)...)
	for j, v := range numbers { // each word over the end of the one before
		binary.LittleEndian.PutUint64(data[at+j*width:], v-b.base-uint64(j)*b.slope)
	}
	return data[:end]
}

// nearestLine finds a line below the numbers and near to them: a level one, or one
// with the slope from the first to the last where that is nearer.
func nearestLine(numbers []uint64) block {
	level := lineBelow(numbers, 0)
	if n := len(numbers); level.width > 0 && n > 1 {
		slope := uint64(int64(numbers[n-1]-numbers[0]) / int64(n-1))
		if b := lineBelow(numbers, slope); b.width < level.width {
			return b
		}
	}
	return level
}

func lineBelow(numbers []uint64, slope uint64) block {
	var low, high int64 // how far they lie from the line through the first
	line := numbers[0]
	for _, v := range numbers {
		d := int64(v - line)
		low, high = min(low, d), max(high, d)
		line += slope
	}
	b := block{base: numbers[0] + uint64(low), slope: slope}
	for most := uint64(high) - uint64(low); most > 0; most >>= 8 {
		b.width++
	}
	return b
}

// Memory is how many bytes the column takes in memory.
func (c *Column) Memory() int { return cap(c.data) + cap(c.blocks)*int(unsafe.Sizeof(block{})) }
