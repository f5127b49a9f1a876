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

// With SyncManual nothing is flushed, and a system call is most of what an append
// costs. Slots and the commit index are stored to mapped memory there. Such a
// store can be stopped anywhere, when the process is killed, and other processes
// can see it half done. So each of them depends on one aligned word, which is
// stored at once: what was stored before means nothing without it.

const word = 8

// storeSlots stores slots in a mapped slot table, from the offset at on. The word
// with the index is stored last: a slot without an index is an empty one.
func storeSlots(table []byte, at int, slots []byte) error {
	return catchFault(func() {
		for ; len(slots) > 0; at, slots = at+format.SlotSize, slots[format.SlotSize:] {
			to := table[at:][:format.SlotSize]
			copy(to, slots[:word])
			copy(to[2*word:], slots[2*word:format.SlotSize])
			storeWord(to[word:], slots[word:])
		}
	})
}

// storeOne stores b in mapped memory at the offset at, if no more than one aligned
// word changes by that. It reports whether it has.
func storeOne(mapped []byte, at int, b []byte) (done bool, err error) {
	err = catchFault(func() {
		begin, end := at&^(word-1), (at+len(b)+word-1)&^(word-1)
		if end > len(mapped) {
			return
		}
		changed := -1
		var with [word]byte
		for k := begin; k < end; k += word {
			now := [word]byte(mapped[k:])
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
			storeWord(mapped[changed:], with[:])
		}
		done = true
	})
	return done, err
}

func storeWord(to, b []byte) {
	_ = to[word-1]
	atomic.StoreUint64((*uint64)(unsafe.Pointer(&to[0])), binary.NativeEndian.Uint64(b))
}

// storeErr finds out why a store has failed, if it has: it writes the same bytes,
// and gives the error of that, if there is one. The disk may be full, where a file
// system takes new space for bytes that are overwritten.
func storeErr(err error, f io.WriterAt, b []byte, at int64) error {
	if err != nil {
		if _, why := f.WriteAt(b, at); why != nil {
			return why
		}
	}
	return err
}

// catchFault makes an error of what would end the process: a page of the mapping
// that is not to be had, because somebody else has cut the file, or the disk is
// full or has failed.
func catchFault(store func()) (err error) {
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
