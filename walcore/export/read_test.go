package export_test

import (
	"encoding/csv"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore/export"
)

// row is a row by the columns' names. What is null is not in it.
type row map[string]parquet.Value

// parquetRows reads all files of a table, by name.
func parquetRows(t *testing.T, folder, table string) (all []row) {
	t.Helper()
	for _, name := range tableFiles(t, folder, table, export.Parquet) {
		data := fixture.ReadFile(t, name)
		f, err := parquet.OpenFile(strings.NewReader(string(data)), int64(len(data)))
		fixture.Must(t, err)
		columns := f.Schema().Columns()
		for _, group := range f.RowGroups() {
			rows := group.Rows()
			buffer := make([]parquet.Row, 100)
			for {
				n, err := rows.ReadRows(buffer)
				for _, values := range buffer[:n] {
					r := row{}
					for _, v := range values {
						if !v.IsNull() {
							r[columns[v.Column()][0]] = v.Clone()
						}
					}
					all = append(all, r)
				}
				if errors.Is(err, io.EOF) {
					break
				}
				fixture.Must(t, err)
			}
			fixture.Must(t, rows.Close())
		}
	}
	return all
}

// csvRows reads all files of a table, by name: the header, and the records.
func csvRows(t *testing.T, folder, table string) (header []string, records [][]string) {
	t.Helper()
	for _, name := range tableFiles(t, folder, table, export.CSV) {
		r, err := csv.NewReader(strings.NewReader(string(fixture.ReadFile(t, name)))).ReadAll()
		fixture.Must(t, err)
		header = r[0]
		records = append(records, r[1:]...)
	}
	return header, records
}

func tableFiles(t *testing.T, folder, table, format string) []string {
	t.Helper()
	var names []string
	for _, name := range files(t, filepath.Join(folder, table)) {
		if filepath.Ext(name) == "."+format {
			names = append(names, filepath.Join(folder, table, name))
		}
	}
	return names
}

// files lists the files below a folder.
func files(t *testing.T, folder string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(folder, path)
		names = append(names, filepath.ToSlash(name))
		return err
	})
	if !errors.Is(err, os.ErrNotExist) {
		fixture.Must(t, err)
	}
	return names
}
