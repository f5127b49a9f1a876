package repair

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/dgraph"
	"github.com/walfs/walfs/walcore/storage"
	"google.golang.org/protobuf/proto"
)

// errDiffers: what was written is not what is read back. Disks and memory do that.
var errDiffers = errors.New("what was written reads differently: nothing was kept; is the disk sound?")

func slotless(first, last uint64) error {
	return fmt.Errorf("entries %d to %d are no longer there: %w", first, last, walcore.ErrChanged)
}

// compare reads what was written, with the reader and with the storage, and compares
// it with the source.
func (p *Plan) compare(ctx context.Context, dir string) error {
	if err := p.compareLog(ctx, dir); err != nil {
		return err
	}
	s, err := storage.Open(dir, storage.Options{Key: p.opts.Key, DryRun: true, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return fmt.Errorf("%w: %w", errDiffers, err)
	}
	defer s.Close() // a dry run writes nothing
	first, firstErr := s.FirstIndex()
	last, lastErr := s.LastIndex()
	snap, snapErr := s.Snapshot()
	if err := errors.Join(firstErr, lastErr, snapErr); err != nil {
		return fmt.Errorf("%w: %w", errDiffers, err)
	}
	switch {
	case len(s.Problems()) > 0:
		return fmt.Errorf("%w: %v", errDiffers, s.Problems()[0])
	case first != p.First || last != p.Last:
		return fmt.Errorf("%w: the log has entries %d to %d, not %d to %d", errDiffers, first, last, p.First, p.Last)
	case s.State() != p.State:
		return fmt.Errorf("%w: wal.meta holds %+v, not %+v", errDiffers, s.State(), p.State)
	case p.Snapshot != nil && !(bytes.Equal(snap.GetData(), p.Snapshot.GetData()) && proto.Equal(snap.GetMetadata(), p.Snapshot.GetMetadata())):
		return fmt.Errorf("%w: the snapshot", errDiffers)
	}
	return nil
}

func (p *Plan) compareLog(ctx context.Context, dir string) error {
	r, err := dgraph.OpenReader(dir, dgraph.ReaderOptions{Key: p.opts.Key})
	if err != nil {
		return fmt.Errorf("%w: %w", errDiffers, err)
	}
	defer r.Close()
	if problems := r.Problems(); len(problems) > 0 {
		return fmt.Errorf("%w: %v", errDiffers, problems[0])
	}
	var scan walcore.Scanner
	return p.eachEntry(ctx, func(want walcore.Entry, data []byte) error {
		got, err := r.Entry(want.Index)
		if err != nil {
			return fmt.Errorf("%w: %w", errDiffers, err)
		}
		stored, err := scan.Data(&got)
		if err != nil {
			return fmt.Errorf("%w: %w", errDiffers, err)
		}
		if got.Term != want.Term || got.Type != want.Type || !bytes.Equal(stored, data) {
			return slotError(got, fmt.Errorf("%w: it is not the entry in %s slot %d", errDiffers, want.File.Name, want.Slot))
		}
		return nil
	}, comparing)
}
