package platform

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// InParallel calls do with each number below n, from the lowest on, on as many
// processors as there are.
func InParallel(n int, do func(i int)) {
	var next atomic.Int64
	var wait sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		wait.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	wait.Wait()
}
