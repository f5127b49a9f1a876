package fsview

import (
	"slices"
	"strconv"
	"strings"

	"go.etcd.io/raft/v3/raftpb"
)

// nameDigits is the length of an index or term in a name: the longest uint64,
// so that names sort as numbers do.
const nameDigits = 20

func numberName(n uint64) string {
	var b [nameDigits]byte
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = byte('0' + n%10)
		n /= 10
	}
	return string(b[:])
}

// parseNumber reads a name in its full form or its short one, without leading
// zeros.
func parseNumber(name string) (n uint64, short, ok bool) {
	if len(name) != nameDigits && (name == "" || name[0] == '0' && name != "0") {
		return 0, false, false
	}
	for _, c := range []byte(name) {
		if c < '0' || c > '9' {
			return 0, false, false
		}
	}
	n, err := strconv.ParseUint(name, 10, 64)
	return n, len(name) != nameDigits, err == nil
}

func snapshotName(term, index uint64) string { return numberName(term) + "-" + numberName(index) }

func isSnapshotName(name string) bool {
	t, i, _ := strings.Cut(name, "-")
	term, _, ok1 := parseNumber(t)
	index, _, ok2 := parseNumber(i)
	return ok1 && ok2 && name == snapshotName(term, index)
}

// typeNames are the folders in types/, in the order of raftpb's numbers.
var typeNames = [...]string{"normal", "conf_change", "conf_change_v2"}

// typeFolder gives the folder of an entry's type, if Raft has the type.
func typeFolder(t raftpb.EntryType) (Node, bool) {
	if t < 0 || int(t) >= len(typeNames) {
		return 0, false
	}
	return node(kindFolder, uint64(folderNormal)+uint64(t)), true
}

// TypeOf gives the entry type of a folder's name in types/.
func TypeOf(name string) (raftpb.EntryType, bool) {
	i := slices.Index(typeNames[:], name)
	return raftpb.EntryType(i), i >= 0
}

// TypeName is the folder's name of an entry type, or its number where Raft has
// no such type.
func TypeName(t raftpb.EntryType) string {
	if t >= 0 && int(t) < len(typeNames) {
		return typeNames[t]
	}
	return strconv.Itoa(int(t))
}
