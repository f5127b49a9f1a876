package export

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/platform"
)

// records is the folder of the records. Engines pass over a name that begins so.
const records = "_walfs"

// unknown is Hive's name for a folder of null.
const unknown = "__HIVE_DEFAULT_PARTITION__"

// Place is the folder, in the folder of each table, that a node's files are in:
// system=dgraph/group=1/node=1. Two nodes of one cluster never have the same, unless the
// directories do not tell who they are.
func Place(meta *walcore.Meta) string {
	id := func(dgraphs, etcds *uint64) string {
		switch {
		case dgraphs != nil:
			return strconv.FormatUint(*dgraphs, 10)
		case etcds != nil:
			return strconv.FormatUint(*etcds, 16)
		}
		return unknown
	}
	return filepath.Join("system="+escape(meta.System.Name), "group="+id(meta.GroupID, meta.ClusterID), "node="+id(meta.RaftID, meta.NodeID))
}

// Folders are those in Options.Folder that are written to: one for the records, and one for
// each table.
func Folders(folder string) []string {
	all := []string{filepath.Join(folder, records)}
	for _, t := range tables {
		all = append(all, filepath.Join(folder, t.name))
	}
	return all
}

// escape makes any name one that a file can have everywhere and that engines do not take for a
// hidden one. It escapes as Hive does.
func escape(name string) string {
	var out strings.Builder
	for i := range len(name) {
		c := name[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', i > 0 && (c == '.' || c == '_'):
			out.WriteByte(c)
		default:
			fmt.Fprintf(&out, "%%%02X", c)
		}
	}
	return out.String()
}

// unfinished is a file that gets its name once it is whole. Its hidden name is always the
// same, so that the next export removes what a killed one has left.
type unfinished struct {
	*os.File
	final string
}

func newUnfinished(final string) (*unfinished, error) {
	folder, name := filepath.Split(final)
	hidden := filepath.Join(folder, "."+name+".walfs-unfinished")
	if err := os.Remove(hidden); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	f, err := os.OpenFile(hidden, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600) // O_EXCL follows no link
	if err != nil {
		return nil, err
	}
	return &unfinished{f, final}, nil
}

// flush makes the bytes durable and closes the file.
func (u *unfinished) flush() error { return errors.Join(u.Sync(), u.Close()) }

// finish gives the file its name.
func (u *unfinished) finish() error { return os.Rename(u.Name(), u.final) }

// abandon removes the file.
func (u *unfinished) abandon() {
	u.Close() // it may be closed already, and nobody is to read it
	os.Remove(u.Name())
}

// lock keeps other exports of the same node away from a folder. Where there are no locks, as
// on some network file systems, nothing does.
func lock(folder string) (unlock func(), err error) {
	l, err := platform.LockDir(folder)
	if errors.Is(err, platform.ErrLocked) {
		return nil, fmt.Errorf("%s: another walfs is exporting the same node: %w", folder, walcore.ErrInUse)
	}
	if err != nil {
		return func() {}, nil
	}
	return func() { l.Close() }, nil
}
