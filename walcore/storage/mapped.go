package storage

import (
	"encoding/binary"
	"fmt"
	"io"
	"runtime/debug"
	"sync/atomic"
	"syscall"
	"unsafe"

	"github.com/walfs/walfs/walcore/format"
)

// Where nothing is flushed, a system call is most of what an append costs: slots
// and the commit index are stored to memory that is mapped. Such a store can be
// cut off anywhere, when the process is killed, and be seen half done. So all
// hangs on the store of one aligned word, which is done or not.

const word = 8

// storeSlots stores slots from the at-th byte of a mapped slot table on, of each
// the index last: a slot without one is none.
func storeSlots(table []byte, at int, slots []byte) error {
	return guarded(func() {
		for ; len(slots) > 0; at, slots = at+format.SlotSize, slots[format.SlotSize:] {
			to := table[at:][:format.SlotSize]
			copy(to, slots[:word])
			copy(to[2*word:], slots[2*word:format.SlotSize])
			storeWord(to[word:], slots[word:])
		}
	})
}

// storeOne stores b where that changes one aligned word of a mapping at most,
// and reports whether it does.
func storeOne(mapping []byte, at int, b []byte) (done bool, err error) {
	err = guarded(func() {
		begin, end := at&^(word-1), (at+len(b)+word-1)&^(word-1)
		if end > len(mapping) {
			return
		}
		changed := -1
		var with [word]byte
		for k := begin; k < end; k += word {
			now := [word]byte(mapping[k:])
			then := now
			from, to := max(at, k), min(at+len(b), k+word)
			copy(then[from-k:to-k], b[from-at:])
			if then == now {
				continue
			}
			if changed >= 0 {
				return
			}
			changed, with = k, then
		}
		if changed >= 0 {
			storeWord(mapping[changed:], with[:])
		}
		done = true
	})
	return done, err
}

func storeWord(to, b []byte) {
	_ = to[word-1]
	atomic.StoreUint64((*uint64)(unsafe.Pointer(&to[0])), binary.NativeEndian.Uint64(b))
}

// explained is the error of a store, or the one that a write in its place gives:
// where a file system takes new room for what is overwritten, the disk is full.
func explained(err error, f io.WriterAt, b []byte, at int64) error {
	if err != nil {
		if _, why := f.WriteAt(b, at); why != nil {
			return why
		}
	}
	return err
}

// guarded makes an error of what would end the process: the file was cut short
// by somebody else, or the disk has no room or has failed.
func guarded(store func()) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		if _, fault := r.(interface{ Addr() uintptr }); !fault {
			panic(r)
		}
		err = fmt.Errorf("store to mapped memory: %v: %w", r, syscall.EIO)
	}()
	store()
	return nil
}
