package storage

import (
	"sync/atomic"
	"time"
)

// Stats counts what a DiskStorage has done since it was opened.
type Stats struct {
	Saves     uint64        // calls of Save that were not refused
	Entries   uint64        // entries appended
	Bytes     uint64        // of payloads and their lengths written
	Snapshots uint64        // snapshots created or installed
	Flushes   uint64        // of files and of the directory
	FlushTime time.Duration // spent in them, at the same time or not
}

type counters struct {
	saves, entries, bytes, snapshots, flushes atomic.Uint64
	flushTime                                 atomic.Int64
}

// flush counts a flush.
func (c *counters) flush(sync func() error) error {
	start := time.Now()
	err := sync()
	c.flushTime.Add(int64(time.Since(start)))
	c.flushes.Add(1)
	return err
}

// Stats may be called at any time, from any goroutine.
func (s *DiskStorage) Stats() Stats {
	return Stats{
		Saves:     s.count.saves.Load(),
		Entries:   s.count.entries.Load(),
		Bytes:     s.count.bytes.Load(),
		Snapshots: s.count.snapshots.Load(),
		Flushes:   s.count.flushes.Load(),
		FlushTime: time.Duration(s.count.flushTime.Load()),
	}
}
