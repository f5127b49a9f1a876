// Command writer keeps a Raft directory busy the way Dgraph does: through shared
// memory mappings of 256 MiB files, slots stored field by field behind their
// payloads, zeroes over what is rewritten, truncation before removal. It shares
// no code with walfs. Every payload is derived from its index and term, so that
// a reader can tell a wrong byte from a right one:
//
//	"walfs" · index (8) · term (8) · filler of the same two · crc32 (4)
//
// It prints "ready" once the directory is there, and how many entries it has
// written when it ends: on SIGTERM, or after -seconds.
package main

import (
	"encoding/binary"
	"flag"
	"fmt"
	"hash/crc32"
	"log"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

const (
	slotSize  = 32
	slots     = 30000
	payloadAt = 1 << 20
	fileSize  = 256 << 20
)

type file struct {
	id   int
	name string
	f    *os.File
	data []byte
	n    int // slots in use
	end  int // of the payloads
}

type writer struct {
	dir    string
	files  []*file
	meta   []byte
	term   uint64
	first  uint64 // of the oldest file
	last   uint64
	commit uint64
	wrote  uint64
	rng    *rand.Rand
}

func main() {
	dir := flag.String("dir", "", "directory, created if it is not there")
	seconds := flag.Float64("seconds", 0, "how long; 0: until SIGTERM")
	rate := flag.Int("rate", 0, "entries a second; 0: as fast as it goes")
	quiet := flag.Bool("append-only", false, "no rewrites, no snapshots")
	keep := flag.Int("files", 3, "log files before a snapshot removes old ones")
	flag.Parse()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, os.Interrupt)

	w := &writer{dir: *dir, term: 1, first: 1, rng: rand.New(rand.NewPCG(1, 2))}
	w.open()
	fmt.Println("ready")
	start := time.Now()
	for {
		select {
		case <-stop:
			fmt.Println(w.wrote)
			return
		default:
		}
		if *seconds > 0 && time.Since(start).Seconds() > *seconds {
			fmt.Println(w.wrote)
			return
		}
		w.round(*quiet, *keep)
		if *rate > 0 {
			ahead := time.Duration(float64(w.wrote)/float64(*rate)*1e9) - time.Since(start)
			time.Sleep(max(ahead, 0))
		}
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func (w *writer) open() {
	check(os.MkdirAll(w.dir, 0o700))
	f, err := os.OpenFile(filepath.Join(w.dir, "wal.meta"), os.O_RDWR|os.O_CREATE, 0o600)
	check(err)
	check(f.Truncate(1 << 20))
	w.meta, err = syscall.Mmap(int(f.Fd()), 0, 1<<20, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	check(err)
	binary.BigEndian.PutUint64(w.meta[0:], 1)
	binary.BigEndian.PutUint64(w.meta[8:], 1)
	w.add(1)
}

func (w *writer) add(id int) {
	name := filepath.Join(w.dir, fmt.Sprintf("%05d.wal", id))
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	check(err)
	check(f.Truncate(fileSize))
	data, err := syscall.Mmap(int(f.Fd()), 0, fileSize, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	check(err)
	w.files = append(w.files, &file{id: id, name: name, f: f, data: data, end: payloadAt})
}

func (w *writer) current() *file { return w.files[len(w.files)-1] }

// round is what one Raft Ready brings.
func (w *writer) round(quiet bool, keep int) {
	if !quiet && w.last > w.commit && w.rng.IntN(50) == 0 {
		// A new leader rewrites what was not committed.
		w.term++
		w.rewind(w.commit + uint64(w.rng.Int64N(int64(w.last-w.commit))))
	}
	for range 1 + w.rng.IntN(8) {
		w.append()
	}
	w.commit = max(w.commit, w.last-min(w.last, uint64(w.rng.IntN(40))))
	w.hardState()
	if !quiet && len(w.files) > keep {
		w.snapshot()
	}
}

func (w *writer) append() {
	f := w.current()
	index := w.last + 1
	p := payload(index, w.term)
	if f.n == slots || f.end+4+len(p) > fileSize {
		// Rotation: the full file is cut to its last payload.
		check(f.f.Truncate(int64(f.end)))
		w.add(f.id + 1)
		f = w.current()
	}
	binary.BigEndian.PutUint32(f.data[f.end:], uint32(len(p)))
	copy(f.data[f.end+4:], p)
	s := f.data[f.n*slotSize:]
	binary.BigEndian.PutUint64(s, w.term)
	binary.BigEndian.PutUint64(s[8:], index)
	binary.BigEndian.PutUint64(s[16:], uint64(f.end))
	binary.BigEndian.PutUint64(s[24:], uint64(index%200/199)) // a conf change now and then
	f.n++
	f.end += 4 + len(p)
	w.last = index
	w.wrote++
}

// rewind drops the entries after index, as a rewrite from there on begins.
func (w *writer) rewind(index uint64) {
	for {
		f := w.current()
		first := binary.BigEndian.Uint64(f.data[8:])
		if f.n > 0 && first <= index+1 || len(w.files) == 1 {
			keep := 0
			if f.n > 0 {
				keep = int(index + 1 - first)
			}
			if keep < f.n {
				f.end = int(binary.BigEndian.Uint64(f.data[keep*slotSize+16:]))
			}
			clear(f.data[keep*slotSize : slots*slotSize])
			f.n = keep
			w.last = index
			return
		}
		w.remove(len(w.files) - 1)
		// What is written next goes into the file before, which was cut.
		check(w.current().f.Truncate(fileSize))
	}
}

func (w *writer) remove(i int) {
	f := w.files[i]
	check(syscall.Munmap(f.data))
	check(f.f.Truncate(0))
	check(os.Remove(f.name))
	check(f.f.Close())
	w.files = append(w.files[:i], w.files[i+1:]...)
}

func (w *writer) hardState() {
	b := []byte{0x08}
	b = binary.AppendUvarint(b, w.term)
	b = append(b, 0x10, 1, 0x18)
	b = binary.AppendUvarint(b, w.commit)
	binary.BigEndian.PutUint32(w.meta[512:], uint32(len(b)))
	copy(w.meta[516:], b)
}

// snapshot at the commit index removes the files wholly below it.
func (w *writer) snapshot() {
	index, term := w.commit, w.termOf(w.commit)
	blob := payload(index, term)
	md := append([]byte{0x0a, 4, 0x08, 1, 0x28, 0, 0x10}, binary.AppendUvarint(nil, index)...)
	md = append(append(md, 0x18), binary.AppendUvarint(nil, term)...)
	b := append([]byte{0x0a}, binary.AppendUvarint(nil, uint64(len(blob)))...)
	b = append(b, blob...)
	b = append(append(b, 0x12), binary.AppendUvarint(nil, uint64(len(md)))...)
	b = append(b, md...)
	binary.BigEndian.PutUint64(w.meta[1024:], index)
	binary.BigEndian.PutUint64(w.meta[1032:], term)
	binary.BigEndian.PutUint32(w.meta[1040:], uint32(len(b)))
	copy(w.meta[1044:], b)
	for len(w.files) > 1 && binary.BigEndian.Uint64(w.files[1].data[8:]) != 0 &&
		binary.BigEndian.Uint64(w.files[1].data[8:]) <= index {
		w.remove(0)
	}
}

func (w *writer) termOf(index uint64) uint64 {
	for _, f := range w.files {
		if first := binary.BigEndian.Uint64(f.data[8:]); f.n > 0 && index >= first && index < first+uint64(f.n) {
			return binary.BigEndian.Uint64(f.data[int(index-first)*slotSize:])
		}
	}
	return w.term
}

// payload derives an entry's bytes from its index and term.
func payload(index, term uint64) []byte {
	rng := rand.New(rand.NewPCG(index, term))
	b := append(make([]byte, 0, 600), "walfs"...)
	b = binary.BigEndian.AppendUint64(b, index)
	b = binary.BigEndian.AppendUint64(b, term)
	n := rng.IntN(500)
	if index%5000 == 0 {
		n = 100_000 // more than a page, more than a read
	}
	for range n / 8 {
		b = binary.BigEndian.AppendUint64(b, rng.Uint64())
	}
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}
