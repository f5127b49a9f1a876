package backup

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/dgraph"
	"github.com/walfs/walfs/walcore/platform"
)

// ToTar copies a log's directory to a tar archive, which must not exist. The files in it
// have no folder. It takes over the log, and closes it if it fails.
//
// Where a node changes the directory again and again before it is copied, and of other systems'
// logs than Dgraph's, the copy is made in a folder beside the archive first, and takes twice
// the room until it is done.
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
//
// Other systems than Dgraph have a database that changes several times a second. So the copy is
// made in a temporary folder first, and examined there.
func ToStream(ctx context.Context, log walcore.Log, w io.Writer, o Options) (*Copy, error) {
	s := &source{log: log, compact: o.Compact}
	c, err := s.toStream(ctx, w, o)
	if err != nil {
		return nil, errors.Join(err, s.log.Close())
	}
	return c, nil
}

func (s *source) toStream(ctx context.Context, w io.Writer, o Options) (*Copy, error) {
	if s.system() != walcore.Dgraph {
		return s.toStreamByFolder(ctx, w, o)
	}
	if err := s.look(); err != nil {
		return nil, err
	}
	r, err := dgraph.OpenFiles(s.log.Meta().Path, s.files, dgraph.ReaderOptions{})
	if err != nil {
		return nil, err
	}
	if _, err := s.writeTar(ctx, w, s.files, o.progress(s.total)); err != nil {
		return nil, err
	}
	return s.describe(r), nil
}

func (s *source) toStreamByFolder(ctx context.Context, w io.Writer, o Options) (c *Copy, err error) {
	temp, err := os.MkdirTemp("", "walfs-copy-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	files, c, err := s.copyFirst(ctx, filepath.Join(temp, "parts"), o)
	if err != nil {
		return nil, err
	}
	_, err = s.writeTar(ctx, w, files, func(int64) {})
	return c, err
}

// copyFirst copies to a folder, examines that, and gives its files. c is nil where the archive
// is examined instead.
func (s *source) copyFirst(ctx context.Context, path string, o Options) (files []walcore.NativeFile, c *Copy, err error) {
	f, err := s.newFolder(path, o)
	if err == nil {
		err = f.copyAll(ctx)
	}
	if err == nil && s.system() != walcore.Dgraph {
		c, err = s.examineFolder(path)
	}
	if err != nil {
		return nil, nil, err
	}
	for _, n := range s.files {
		n.ReaderAt = f.files[n.Name]
		files = append(files, n)
	}
	return files, c, nil
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
	sums, err := map[string][]uint32(nil), walcore.ErrChanged
	if s.system() == walcore.Dgraph {
		sums, err = s.fillArchive(ctx, temp, o)
	}
	if errors.Is(err, walcore.ErrChanged) {
		var files []walcore.NativeFile
		if files, c, err = s.copyFirst(ctx, p.Parts, o); err == nil {
			sums, err = s.rewriteTar(ctx, temp, files, func(int64) {})
		}
	}
	if err == nil {
		err = temp.Sync()
	}
	if err != nil {
		return nil, err
	}
	files, err := readBack(ctx, temp, sums)
	if err == nil && c == nil {
		c, err = s.examineArchive(temp.Name(), files)
	}
	if err != nil {
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
		if sums, err = s.rewriteTar(ctx, temp, s.files, o.progress(s.total)); !errors.Is(err, walcore.ErrChanged) {
			return sums, err
		}
		if again := s.again(); again != nil {
			return nil, again
		}
	}
	return nil, err
}

func (s *source) rewriteTar(ctx context.Context, temp *os.File, files []walcore.NativeFile, progress func(int64)) (map[string][]uint32, error) {
	if _, err := temp.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	if err := temp.Truncate(0); err != nil {
		return nil, err
	}
	flush := newFlusher()
	written := int64(0)
	sums, err := s.writeTar(ctx, temp, files, func(n int64) {
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
func (s *source) writeTar(ctx context.Context, w io.Writer, files []walcore.NativeFile, progress func(int64)) (map[string][]uint32, error) {
	t := tar.NewWriter(w)
	sums := map[string][]uint32{}
	dir := s.log.Meta().Dir
	for _, name := range s.folders()[1:] {
		err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: 0o700, Uid: int(dir.UID), Gid: int(dir.GID), ModTime: dir.Mtime})
		if err != nil {
			return nil, err
		}
	}
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

// readBack reads an archive back, and gives the files in it.
func readBack(ctx context.Context, f *os.File, sums map[string][]uint32) (files []walcore.NativeFile, err error) {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	for t := tar.NewReader(f); ; {
		h, err := t.Next()
		if err == io.EOF {
			return files, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading back what was written: %w", err)
		}
		if h.Typeflag == tar.TypeDir {
			continue
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
}

// examineArchive opens what is in an archive of Dgraph's as a node would.
func (s *source) examineArchive(name string, files []walcore.NativeFile) (*Copy, error) {
	r, err := dgraph.OpenFiles(name, files, dgraph.ReaderOptions{})
	if err != nil {
		return nil, err
	}
	return s.examine(r)
}
