package storage

import (
	"flag"
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
	for _, s := range stores {
		durable := map[bool]string{true: "yes", false: "no"}[s.durable]
		for _, size := range []int{128, 4096} {
			for _, n := range []int{1, 64} {
				b.Run(fmt.Sprintf("store=%s/durable=%s/size=%d/batch=%d", s.name, durable, size, n), func(b *testing.B) {
					benchmarkAppend(b, s, n, size)
				})
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

// BenchmarkRead times reading a log from an open store: all of it in one call, or
// range after range, as Raft asks for entries that it sends. Beside the time it gives
// the processor time, which has what the garbage collector does on another core. With
// etcd all of it includes opening, since etcd reads its log only then.
func BenchmarkRead(b *testing.B) {
	for _, s := range once(stores) {
		for _, work := range []struct{ entries, size, n int }{
			{100_000, 256, 100_000},
			{100_000, 256, 4096}, // 1 MiB
			{100_000, 256, 1},
			{20_000, 4096, 20_000},
		} {
			if s.readOnce && work.n < work.entries {
				continue
			}
			b.Run(fmt.Sprintf("store=%s/entries=%d/size=%d/range=%d", s.name, work.entries, work.size, work.n), func(b *testing.B) {
				benchmarkRead(b, s, work.entries, work.size, work.n)
			})
		}
	}
}

func benchmarkRead(b *testing.B, s store, entries, size, n int) {
	l := filled(b, s, entries, size)
	defer func() { l.close() }()
	b.SetBytes(int64(n * size))
	b.ReportAllocs()
	cpu := cpuTime(b)
	ranges := uint64(entries / n)
	for k := uint64(0); b.Loop(); k++ {
		if s.readOnce {
			l = reopen(b, s, l, entries, size)
		}
		got, lo := 0, 1+k%ranges*uint64(n)
		if err := l.read(lo, lo+uint64(n), func(_ uint64, data []byte) { got += len(data) }); err != nil {
			b.Fatal(err)
		}
		if got != n*size {
			b.Fatalf("read %d bytes, want %d", got, n*size)
		}
	}
	b.ReportMetric(float64(cpuTime(b)-cpu)/float64(b.N), "cpu-ns/op")
}

// BenchmarkTerm asks for the terms of entries in no order.
func BenchmarkTerm(b *testing.B) {
	const entries, size = 100_000, 256
	for _, s := range once(stores) {
		b.Run(fmt.Sprintf("store=%s/entries=%d", s.name, entries), func(b *testing.B) {
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
	for _, s := range once(stores) {
		for _, entries := range []int{100_000, 1_000_000} {
			b.Run(fmt.Sprintf("store=%s/entries=%d/size=%d", s.name, entries, size), func(b *testing.B) {
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

// listStores is for a script that runs each store in a process of its own.
var listStores = flag.Bool("stores", false, "print the stores' names, and do nothing else")

func TestMain(m *testing.M) {
	flag.Parse()
	if *listStores {
		for _, s := range stores {
			fmt.Println(s.name)
		}
		return
	}
	var err error
	if filledRoot, err = os.MkdirTemp("", "walfs-bench-"); err != nil {
		panic(err)
	}
	code := m.Run()
	os.RemoveAll(filledRoot)
	os.Exit(code)
}
