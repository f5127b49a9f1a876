package repair

import (
	"context"
	"errors"
	"log/slog"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/platform"
	"github.com/walfs/walfs/walcore/storage"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// Write writes what is kept to the directory out, which must not exist, or be empty.
// Until all of it is there, flushed and compared, it has another name: see the package
// documentation. It writes nothing if the source is sound.
//
// It fails with walcore.ErrInUse if another walfs is writing to out, and with
// walcore.ErrChanged if a node is writing to the source. There is nothing at out then.
func (p *Plan) Write(ctx context.Context, out string) (err error) {
	if p.Sound {
		return nil
	}
	if err := platform.CheckWriting(); err != nil {
		return err
	}
	place, err := platform.NewPlace(out, p.log.Meta().Path, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, place.Close()) }()
	if err := p.fill(ctx, place.Unfinished); err != nil {
		return err
	}
	if err := p.compare(ctx, place.Unfinished); err != nil {
		return err
	}
	if err := p.likeSource(place.Unfinished); err != nil {
		return err
	}
	return place.Finish()
}

// fill writes the log. Files are flushed when they are full, and the rest by Close.
func (p *Plan) fill(ctx context.Context, dir string) (err error) {
	s, err := storage.Open(dir, storage.Options{Create: true, Key: p.opts.Key, Checksums: p.Checksums,
		Sync: storage.SyncManual, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	// The term first, and what speaks of entries last.
	early := p.State
	early.Commit, early.Checkpoint = 0, 0
	if err := s.SetState(early); err != nil {
		return err
	}
	if p.Snapshot != nil {
		if err := s.Save(nil, nil, p.Snapshot); err != nil {
			return err
		}
	}
	b := batch{save: func(entries []*raftpb.Entry) error { return s.Save(nil, entries, nil) }}
	if p.Snapshot == nil && p.First > 1 {
		b.first = s.Begin
	}
	if err := p.eachEntry(ctx, func(e walcore.Entry, data []byte) error {
		return b.add(e, data)
	}, writing); err != nil {
		return err
	}
	if err := b.flush(); err != nil {
		return err
	}
	return s.SetState(p.State)
}

// eachEntry goes through the entries that are kept, with their payloads, which are
// valid until fn returns.
func (p *Plan) eachEntry(ctx context.Context, fn func(walcore.Entry, []byte) error, in phase) error {
	var scan walcore.Scanner
	done, next := int64(0), p.First
	for e := range p.log.Entries(p.First) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if e.Index > p.Last {
			break
		}
		data, err := scan.Data(&e)
		if err != nil {
			return err
		}
		if err := fn(e, data); err != nil {
			return err
		}
		next++
		done += e.Size
		p.report(in, done)
	}
	if next != p.Last+1 {
		return slotless(next, p.Last)
	}
	return nil
}

// batch gathers entries, so that each call writes many.
type batch struct {
	first   func([]*raftpb.Entry) error // for the first call; nil: it is save
	save    func([]*raftpb.Entry) error
	entries []*raftpb.Entry
	bytes   int
}

// batchBytes and batchEntries are when it is written.
const (
	batchBytes   = 1 << 20
	batchEntries = 4096
)

func (b *batch) add(e walcore.Entry, data []byte) error {
	entry := &raftpb.Entry{Term: proto.Uint64(e.Term), Index: proto.Uint64(e.Index), Type: raftpb.EntryType(e.Type).Enum()}
	if len(data) > 0 {
		entry.Data = append([]byte(nil), data...)
	}
	b.entries = append(b.entries, entry)
	b.bytes += len(data)
	if b.bytes < batchBytes && len(b.entries) < batchEntries {
		return nil
	}
	return b.flush()
}

func (b *batch) flush() error {
	if len(b.entries) == 0 {
		return nil
	}
	save := b.save
	if b.first != nil {
		save, b.first = b.first, nil
	}
	err := save(b.entries)
	b.entries, b.bytes = b.entries[:0], 0
	return err
}
