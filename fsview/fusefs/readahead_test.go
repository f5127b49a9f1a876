//go:build linux

package fusefs

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/walfs/walfs/fsview"
	"github.com/walfs/walfs/test/fixture"
)

// TestReadAheadAtAnySpeed: how many READs a walk takes does not depend on who is faster,
// nor on where the two meet; and neither waits longer than for the slower one.
func TestReadAheadAtAnySpeed(t *testing.T) {
	for _, times := range [][2]time.Duration{{0, 0}, {1, 0}, {1, 1}, {10, 11}, {11, 10}, {100, 1}, {1, 100}} {
		t.Run(fmt.Sprint(times), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newKernel(t, 10_000)
				k.storeTakes, k.useTakes = times[0], times[1]
				start := time.Now()
				k.readAll()
				k.expectReads(t, k.files/256)
				// The worker stores while the reader reads.
				slower := time.Duration(k.files) * max(times[0], times[1])
				if took := time.Since(start); took > slower*11/10 {
					t.Errorf("took %v; the slower one alone takes %v", took, slower)
				}
			})
		})
	}
}

// TestReadAheadWaits: a READ of the head of a batch that is being stored waits for it, and
// so does one of a file that the worker has not come to.
func TestReadAheadWaits(t *testing.T) {
	for _, behind := range []fsview.Node{0, 3} {
		synctest.Test(t, func(t *testing.T) {
			k := newKernel(t, 1000)
			k.read(k.first)
			k.storeTakes = time.Second
			k.read(k.first + 1)
			synctest.Wait()
			start := time.Now()
			k.read(k.first + 2 + behind) // the head is first+2
			if waited := time.Since(start); waited < 4*time.Second || waited > minBatch/page*time.Second {
				t.Errorf("READ of file %d was answered after %v", behind, waited)
			}
		})
	}
}

// TestReadAheadIsOvertaken: a READ of the file that is being stored cannot wait. The
// worker leaves out the files behind it, where the reader will be next, and those can.
func TestReadAheadIsOvertaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKernel(t, 1000)
		k.storeTakes = time.Second
		k.read(k.first)
		k.read(k.first + 1)
		synctest.Wait() // the worker is at first+3
		start := time.Now()
		k.read(k.first + 3)
		if waited := time.Since(start); waited > 0 {
			t.Errorf("READ of the file that is being stored was answered after %v", waited)
		}
		k.read(k.first + 4)
		if waited := time.Since(start); waited < 4*time.Second {
			t.Errorf("READ of the file behind it was answered after %v", waited)
		}
		for i := range 5 {
			k.read(k.first + 5 + fsview.Node(i))
		}
		if want := 2 + 1 + leftOut; k.reads != want {
			t.Errorf("%d READs of the first 10 files, want %d", k.reads, want)
		}
	})
}

// TestReadAheadOfNoWalk: where programs read here and there, nothing is stored.
func TestReadAheadOfNoWalk(t *testing.T) {
	for _, test := range []struct {
		name string
		next func(i int) int
	}{
		{"random", func(int) int { return rand.IntN(1e6) }},
		{"each third file", func(i int) int { return 3 * i }},
		{"one file again and again", func(int) int { return 5 }},
		{"backwards", func(i int) int { return 1e6 - 1 - i }},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newKernel(t, 1e6)
				for i := range 3000 {
					k.ahead.noteRead(k.first + fsview.Node(test.next(i)))
				}
				synctest.Wait()
				// Random numbers are neighbours now and then.
				if most := 2 * minBatch / page; k.looked > most {
					t.Errorf("%d files stored, want %d at most", k.looked, most)
				}
			})
		})
	}
}

// TestReadAheadIsBounded: what is stored and never read is bounded in bytes, and what is
// looked at for nothing in files.
func TestReadAheadIsBounded(t *testing.T) {
	for _, size := range []int{0, 1, page, page + 1, 20_000, maxStored, maxStored + 1} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newKernel(t, 10_000)
				k.size = func(n fsview.Node) int {
					if n < k.first+10 {
						return 300
					}
					return size
				}
				k.useTakes = time.Second // the worker is as far as it gets
				for i := range k.files / 2 {
					k.read(k.first + fsview.Node(i))
				}
				if most := (lead + 1) * (maxBatch + maxStored); k.most > most {
					t.Errorf("%d bytes unread, want %d at most", k.most, most)
				}
				if most := k.files/2 + maxLead + 2*maxBatch/page; k.looked > most {
					t.Errorf("%d files looked at, want %d at most", k.looked, most)
				}
			})
		})
	}
}

// TestReadAheadOfUnknownFiles: the kernel takes what somebody has listed, and is not asked
// at each READ.
func TestReadAheadOfUnknownFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKernel(t, 2000)
		k.listed = 0
		for i := range 1000 {
			k.read(k.first + fsview.Node(i))
		}
		synctest.Wait()
		if most := 1000/maxNeed + maxNeed; k.tried > most {
			t.Errorf("%d stores of files that the kernel does not know, want %d at most", k.tried, most)
		}
		k.reads, k.listed = 0, k.files
		for i := range 500 {
			k.read(k.first + fsview.Node(1000+i))
		}
		k.expectReads(t, maxNeed+500/64)
		synctest.Wait()
		if w := k.ahead.walks[0]; w.need != minNeed {
			t.Errorf("the next time %d READs in a row are needed, want %d", w.need, minNeed)
		}
	})
}

// TestReadAheadOfListedFiles: a program lists some names, reads those files, and so on.
func TestReadAheadOfListedFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKernel(t, 10_000)
		k.storeTakes, k.useTakes = 10, 10
		start := time.Now()
		for i := range k.files {
			if i%1000 == 0 {
				k.mu.Lock()
				k.listed = i + 1100
				k.mu.Unlock()
			}
			k.read(k.first + fsview.Node(i))
		}
		k.expectReads(t, k.files/300)
		// The worker stores while the reader reads, but for the first batch of each 1000.
		if took, most := time.Since(start), time.Duration(10*k.files*7/4); took > most {
			t.Errorf("took %v, want %v at most", took, most)
		}
	})
}

// TestReadAheadOfManyWalks: as many walks as are known do not disturb one another, and
// READs here and there end none.
func TestReadAheadOfManyWalks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const walks = maxWalks - 1
		k := newKernel(t, walks*100_000+1e6)
		k.useTakes = 1
		const files = 3000
		var all sync.WaitGroup
		for w := range walks {
			all.Go(func() {
				for i := range files {
					k.read(k.first + fsview.Node(w*100_000+i))
				}
			})
		}
		all.Go(func() {
			for range files {
				k.ahead.noteRead(k.first + fsview.Node(walks*100_000+rand.IntN(1e6)))
				time.Sleep(k.useTakes)
			}
		})
		all.Wait()
		k.expectReads(t, walks*files/64)
	})
}

// TestReadAheadOfThreads: several threads read the files of one walk, each the next one.
func TestReadAheadOfThreads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKernel(t, 10_000)
		k.storeTakes, k.useTakes = 10, 11
		next := make(chan fsview.Node)
		for range 4 {
			go func() {
				for n := range next {
					k.read(n)
				}
			}()
		}
		for i := range k.files {
			next <- k.first + fsview.Node(i)
		}
		close(next)
		synctest.Wait()
		k.expectReads(t, k.files/64)
	})
}

// TestReadAheadCannotDeadlock: programs read the same files at once, in and out of order.
// synctest fails if all of them wait.
func TestReadAheadCannotDeadlock(t *testing.T) {
	for seed := range fixture.Size[uint64](5, 100) {
		synctest.Test(t, func(t *testing.T) {
			k := newKernel(t, 500)
			k.storeTakes = 3
			var all sync.WaitGroup
			for program := range uint64(12) {
				r := rand.New(rand.NewPCG(seed, program))
				all.Go(func() {
					at := r.IntN(k.files)
					for range 1000 {
						if r.IntN(20) == 0 {
							at = r.IntN(k.files)
						}
						n := k.first + fsview.Node(at%k.files)
						if r.IntN(4) == 0 { // dropped
							p := k.page(n)
							p.lock <- true
							p.filled = false
							<-p.lock
						}
						k.read(n)
						time.Sleep(time.Duration(r.IntN(5)))
						at += 1 + r.IntN(8)/7
					}
				})
			}
			all.Wait()
		})
	}
}

// TestReadAheadEnds: at the end nothing waits, and no worker is left.
func TestReadAheadEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKernel(t, 1000)
		k.storeTakes = time.Hour
		k.read(k.first)
		k.read(k.first + 1)
		synctest.Wait()
		read := false
		go func() {
			k.read(k.first + 2)
			read = true
		}()
		synctest.Wait()
		if read {
			t.Fatal("READ has not waited")
		}
		k.end()
		synctest.Wait()
		if !read {
			t.Error("READ waits for ever")
		}
	})
}
