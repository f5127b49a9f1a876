/*
Package export writes a log as tables that engines for data read: DuckDB, Spark, Trino,
ClickHouse. A row of the table entries is an entry, one of edges is an edge of a mutation,
one of txns is a transaction that was committed or aborted.

	result, err := export.Log(ctx, log, export.Options{Folder: "lake", Format: export.Parquet, Decoder: decoder})

# Layout

A log file becomes a file of each table, in folders that are named as Hive does it:

	lake/entries/system=dgraph/group=1/node=1/00001.wal.parquet
	lake/edges/system=dgraph/group=1/node=1/00001.wal.parquet
	lake/txns/system=dgraph/group=1/node=1/00001.wal.parquet
	lake/_walfs/system=dgraph/group=1/node=1/00001.wal.parquet.json

Engines make columns of the folders' names: system, group and node are not repeated in the
files, since some engines refuse a column that is in both. What is not known is
__HIVE_DEFAULT_PARTITION__, which they read as null. The last file is a record of what the
three were made of, so that the next export skips a log file that has not changed.

# Columns

table.go lists them, the page on querying in cmd/walfs/docs explains them. Numbers of the log
itself (index, term, size, slot, offset) are 64-bit integers. Those that a payload holds are
unsigned: they can be any. Times are in UTC, in microseconds. In CSV a null is empty, a
payload base64.

# At a crash

Each file is written under a hidden name and gets its own once it is whole and durable. The
record is removed before that, and written behind it: what is cut short is done again.

# Log files that are gone

What was compacted stays in the folder: its entries are below those of the log. Where a later
leader has replaced all entries of a log file, its tables are removed.

# Memory

Rows are held until there are 32 MiB of them, and an entry at a time. A payload of more than
64 MiB is left out, and so is JSON of more than 64 MiB: the column error says so.
*/
package export
