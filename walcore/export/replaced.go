package export

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
)

// removeReplaced removes the tables of log files whose entries are no part of the log any
// more, because a later leader has replaced them. Those of files that were compacted stay:
// they end before the log begins. So do those in whose place the log is damaged.
func (x *exporter) removeReplaced(all []*source) error {
	if len(all) == 0 {
		return nil
	}
	first, here := all[0].First, map[string]bool{}
	for _, s := range all {
		first = min(first, s.First)
		here[s.File] = true
	}
	folder := filepath.Join(x.Folder, records, Place(x.log.Meta()))
	names, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, name := range names {
		table, ok := strings.CutSuffix(name.Name(), ".json")
		if !ok || filepath.Ext(table) != "."+x.Format || strings.HasPrefix(table, ".") {
			continue
		}
		var r record
		text, err := os.ReadFile(filepath.Join(folder, name.Name()))
		if err != nil || json.Unmarshal(text, &r) != nil {
			continue // who has written that knows what it is
		}
		if here[r.Identity.File] || r.Identity.First < first || x.log.Gap(r.Identity.First, r.Identity.Last) != nil {
			continue
		}
		if err := x.remove(r.Identity.File); err != nil {
			return err
		}
		x.result.Removed++
	}
	return nil
}

// remove removes the record of a log file, and its tables.
func (x *exporter) remove(file string) error {
	n := x.names(x.log.Meta(), file)
	list := []string{n.record}
	for _, t := range tables {
		list = append(list, n.tables[t])
	}
	for _, name := range list {
		if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		x.folders[filepath.Dir(name)] = true
	}
	return nil
}
