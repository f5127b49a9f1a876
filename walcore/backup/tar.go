package backup

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/dgraph"
	"github.com/walfs/walfs/walcore/platform"
)

// ToTar copies a log's directory to a tar archive, which must not exist. The files in it
// have no folder. It takes over the log, and closes it if it fails.
//
// Where a node changes the directory again and again before it is copied, the copy is made
// in a folder beside the archive first, and takes twice the room until it is done.
func ToTar(ctx context.Context, log walcore.Log, out string, o Options) (*Copy, error) {
	s := &source{log: log, compact: o.Compact}
	c, err := s.toTar(ctx, out, o)
	if err != nil {
		return nil, errors.Join(err, s.log.Close())
	}
	return c, nil
}

// ToStream writes a log's directory to w as a tar archive. It fails with ErrChanged if the
// directory changes before all of it was read. The archive has no end then. What was
// written cannot be read back. It takes over the log, and closes it if it fails.
func ToStream(ctx context.Context, log walcore.Log, w io.Writer, o Options) (*Copy, error) {
	s := &source{log: log, compact: o.Compact}
	c, err := s.toStream(ctx, w, o)
	if err != nil {
		return nil, errors.Join(err, s.log.Close())
	}
	return c, nil
}

func (s *source) toStream(ctx context.Context, w io.Writer, o Options) (*Copy, error) {
	if err := s.look(); err != nil {
		return nil, err
	}
	r, err := dgraph.OpenFiles(s.log.Meta().Path, s.files, dgraph.ReaderOptions{})
	if err != nil {
		return nil, err
	}
	if _, err := writeTar(ctx, w, s.files, o.progress(s.total)); err != nil {
		return nil, err
	}
	return s.describe(r), nil
}

// maxArchives is how often an archive is begun anew because the directory has changed.
const maxArchives = 3

func (s *source) toTar(ctx context.Context, out string, o Options) (c *Copy, err error) {
	p, err := platform.NewPlace(out, s.log.Meta().Path, false)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	temp, err := os.OpenFile(p.Unfinished, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	defer temp.Close() // flushed, or to be removed
	sums, err := s.fillArchive(ctx, temp, o)
	if errors.Is(err, walcore.ErrChanged) {
		sums, err = s.fillFromFolder(ctx, p.Parts, temp, o)
	}
	if err == nil {
		err = temp.Sync()
	}
	if err != nil {
		return nil, err
	}
	if c, err = s.verifyArchive(ctx, temp, sums); err != nil {
		return nil, err
	}
	return c, p.Finish()
}

// fillArchive writes the archive of an image.
func (s *source) fillArchive(ctx context.Context, temp *os.File, o Options) (sums map[string][]uint32, err error) {
	err = s.look()
	for range maxArchives {
		if err != nil {
			return nil, err
		}
		if sums, err = rewriteTar(ctx, temp, s.files, o.progress(s.total)); !errors.Is(err, walcore.ErrChanged) {
			return sums, err
		}
		if again := s.again(); again != nil {
			return nil, again
		}
	}
	return nil, err
}

// fillFromFolder writes the archive of a copy that is made in a folder at path.
func (s *source) fillFromFolder(ctx context.Context, path string, temp *os.File, o Options) (map[string][]uint32, error) {
	f, err := s.newFolder(path, o)
	if err != nil {
		return nil, err
	}
	if err := f.copyAll(ctx); err != nil {
		return nil, err
	}
	var files []walcore.NativeFile
	for _, n := range s.files {
		n.ReaderAt = f.files[n.Name]
		files = append(files, n)
	}
	return rewriteTar(ctx, temp, files, func(int64) {})
}

func rewriteTar(ctx context.Context, temp *os.File, files []walcore.NativeFile, progress func(int64)) (map[string][]uint32, error) {
	if _, err := temp.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	if err := temp.Truncate(0); err != nil {
		return nil, err
	}
	flush := newFlusher()
	written := int64(0)
	sums, err := writeTar(ctx, temp, files, func(n int64) {
		if written += n; written >= flushEvery {
			flush.begin(temp)
			written = 0
		}
		progress(n)
	})
	return sums, flush.wait(err)
}

// flushEvery is how much of an archive is written until it is flushed.
const flushEvery = 16 << 20

// writeTar writes an archive, and gives the checksums of the files' chunks. The format has
// no holes in files; but log files end with their last payload.
func writeTar(ctx context.Context, w io.Writer, files []walcore.NativeFile, progress func(int64)) (map[string][]uint32, error) {
	t := tar.NewWriter(w)
	sums := map[string][]uint32{}
	for _, f := range files {
		err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: f.Name, Size: f.Attr.Size, Mode: 0o600,
			Uid: int(f.Attr.UID), Gid: int(f.Attr.GID), ModTime: f.Attr.Mtime})
		if err != nil {
			return nil, err
		}
		r := chunkReader{NativeFile: f}
		for off := int64(0); off < f.Attr.Size; off += chunk {
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			b, err := r.read(off)
			if err != nil {
				return nil, err
			}
			if _, err := t.Write(b); err != nil {
				return nil, err
			}
			sums[f.Name] = append(sums[f.Name], crc32.Checksum(b, castagnoli))
			progress(int64(len(b)))
		}
	}
	return sums, t.Close()
}

// progress counts bytes for Options.Progress.
func (o Options) progress(total int64) func(int64) {
	done := int64(0)
	return func(n int64) {
		if done += n; o.Progress != nil {
			o.Progress(min(done, total), total)
		}
	}
}

// verifyArchive reads an archive back, and opens what is in it as a node would.
func (s *source) verifyArchive(ctx context.Context, f *os.File, sums map[string][]uint32) (*Copy, error) {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	var files []walcore.NativeFile
	for t := tar.NewReader(f); ; {
		h, err := t.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("reading back what was written: %w", err)
		}
		at, err := f.Seek(0, io.SeekCurrent)
		if err != nil {
			return nil, err
		}
		body := io.NewSectionReader(f, at, h.Size)
		if err := compare(ctx, h.Name, body, h.Size, sums[h.Name]); err != nil {
			return nil, err
		}
		files = append(files, walcore.NativeFile{Name: h.Name, Attr: walcore.Attr{Size: h.Size, Mtime: h.ModTime}, ReaderAt: body})
	}
	r, err := dgraph.OpenFiles(f.Name(), files, dgraph.ReaderOptions{})
	if err != nil {
		return nil, err
	}
	return s.examine(r)
}
