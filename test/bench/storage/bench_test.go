package storage

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// BenchmarkAppend times one call that appends a batch. Beside the mean it gives the
// median, which other work on the same disk changes less, and the processor time of a
// call.
func BenchmarkAppend(b *testing.B) {
	for _, durable := range []string{"yes", "no"} {
		for _, size := range []int{128, 4096} {
			for _, n := range []int{1, 64} {
				for _, s := range stores {
					if s.durable != (durable == "yes") {
						continue
					}
					b.Run(fmt.Sprintf("durable=%s/size=%d/batch=%d/store=%s", durable, size, n, s.name), func(b *testing.B) {
						benchmarkAppend(b, s, n, size)
					})
				}
			}
		}
	}
}

// warmUp is how many batches are appended before time is taken. The first ones take
// longer: buffers, tree pages and file tables are made for them.
const warmUp = 20

func benchmarkAppend(b *testing.B, s store, n, size int) {
	l, err := s.open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer l.close()
	appendBatch, err := l.batch(n, size)
	if err != nil {
		b.Fatal(err)
	}
	next := uint64(1)
	add := func() {
		if err := appendBatch(next); err != nil {
			b.Fatal(err)
		}
		next += uint64(n)
	}
	for range warmUp {
		add()
	}
	b.SetBytes(int64(n * size))
	b.ReportAllocs()
	times := make([]time.Duration, 0, 1<<16)
	cpu := cpuTime(b)
	last := time.Now()
	for b.Loop() {
		add()
		now := time.Now()
		if len(times) < cap(times) {
			times = append(times, now.Sub(last))
		}
		last = now
	}
	cpu = cpuTime(b) - cpu
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/2]), "p50-ns/op")
	b.ReportMetric(float64(cpu)/float64(b.N), "cpu-ns/op")
}

// cpuTime is what this process has used of processors, in the kernel too.
// Unlike the time that passes, it is much the same on a busy machine.
func cpuTime(b *testing.B) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkRead times reading all of a log from an open store. With etcd that includes
// opening, since etcd reads its log only then.
func BenchmarkRead(b *testing.B) {
	const entries, size = 100_000, 256
	for _, s := range once(stores) {
		b.Run(fmt.Sprintf("entries=%d/size=%d/store=%s", entries, size, s.name), func(b *testing.B) {
			l := filled(b, s, entries, size)
			defer func() { l.close() }()
			b.SetBytes(entries * size)
			b.ReportAllocs()
			for b.Loop() {
				if s.readOnce {
					l = reopen(b, s, l, entries, size)
				}
				got := 0
				if err := l.read(1, entries+1, func(_ uint64, data []byte) { got += len(data) }); err != nil {
					b.Fatal(err)
				}
				if got != entries*size {
					b.Fatalf("read %d bytes, want %d", got, entries*size)
				}
			}
		})
	}
}

// BenchmarkTerm asks for the terms of entries in no order.
func BenchmarkTerm(b *testing.B) {
	const entries, size = 100_000, 256
	for _, s := range once(stores) {
		b.Run(fmt.Sprintf("entries=%d/store=%s", entries, s.name), func(b *testing.B) {
			if s.readOnce {
				b.Skip("keeps no terms beside the entries")
			}
			l := filled(b, s, entries, size)
			defer l.close()
			indexes := make([]uint64, 1<<12)
			for i := range indexes {
				indexes[i] = 1 + rand.Uint64N(entries)
			}
			i := 0
			b.ReportAllocs()
			for b.Loop() {
				if _, err := l.term(indexes[i%len(indexes)]); err != nil {
					b.Fatal(err)
				}
				i++
			}
		})
	}
}

// BenchmarkOpen times opening a log, until it can be appended to. Its files are in the
// page cache.
func BenchmarkOpen(b *testing.B) {
	const size = 128
	for _, entries := range []int{100_000, 1_000_000} {
		for _, s := range once(stores) {
			b.Run(fmt.Sprintf("entries=%d/size=%d/store=%s", entries, size, s.name), func(b *testing.B) {
				l := filled(b, s, entries, size)
				defer func() { l.close() }()
				b.ReportAllocs()
				for b.Loop() {
					l = reopen(b, s, l, entries, size)
				}
			})
		}
	}
}

// once leaves out the variants that differ in nothing but flushing.
func once(all []store) (some []store) {
	for _, s := range all {
		if s.durable {
			some = append(some, s)
		}
	}
	return some
}

// filledDirs are the directories of logs that benchmarks only read. They are kept until
// the end, for it takes longer to fill a log than to read it.
var filledDirs = map[string]string{}

// filled opens a log with a number of entries.
func filled(b *testing.B, s store, entries, size int) log {
	b.Helper()
	key := fmt.Sprint(s.name, entries, size)
	dir, ok := filledDirs[key]
	if !ok {
		var err error
		if dir, err = os.MkdirTemp(filledRoot, ""); err != nil {
			b.Fatal(err)
		}
		if err := fill(s, dir, entries, size); err != nil {
			b.Fatal(err)
		}
		filledDirs[key] = dir
	}
	l, err := s.open(dir)
	if err != nil {
		b.Fatal(err)
	}
	return l
}

func fill(s store, dir string, entries, size int) error {
	l, err := s.open(dir)
	if err != nil {
		return err
	}
	defer l.close()
	const n = 1000
	appendBatch, err := l.batch(n, size)
	if err != nil {
		return err
	}
	for first := 1; first < entries; first += n {
		if err := appendBatch(uint64(first)); err != nil {
			return err
		}
	}
	return nil
}

// reopen closes a log, which is not timed, and opens it again, which is.
func reopen(b *testing.B, s store, l log, entries, size int) log {
	b.StopTimer()
	if err := l.close(); err != nil {
		b.Fatal(err)
	}
	dir := filledDirs[fmt.Sprint(s.name, entries, size)]
	b.StartTimer()
	l, err := s.open(dir)
	if err != nil {
		b.Fatal(err)
	}
	return l
}

// filledRoot holds all of filledDirs.
var filledRoot string

func TestMain(m *testing.M) {
	var err error
	if filledRoot, err = os.MkdirTemp("", "walfs-bench-"); err != nil {
		panic(err)
	}
	code := m.Run()
	os.RemoveAll(filledRoot)
	os.Exit(code)
}
