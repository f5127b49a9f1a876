// Package dgraph reads the directory in which Dgraph keeps its Raft log: wal.meta,
// the log files NNNNN.wal, and KEYREGISTRY.
//
//	r, err := dgraph.OpenReader("/var/lib/dgraph/w", dgraph.ReaderOptions{})
//	…
//	defer r.Close()
//	for e := range r.Entries(1) {
//		data, err := e.Data()
//		…
//	}
//
// A Reader opens files for reading only, leaves no access time where the operating
// system allows that, takes no lock, maps nothing into memory and creates nothing
// in the directory. It shows the directory as it was when it was opened. What a
// running node has changed since gives an error when it is read, never other bytes.
//
// Damage does not stop a Reader: a slot or payload that cannot be right is left out
// and listed in Problems, and everything else can be read. Memory grows with the
// log files' slot tables, packed to some 2 bytes an entry, or 6 where it has a
// checksum (of a garbled table 34), never by a length that the directory claims. With
// ReaderOptions.Lazy it does not grow with a sound log: tables are read when they are needed,
// and some MiB of them are held.
//
// # Where things are
//
//	directory.go      what is asked of the files; a test has a directory in memory
//	filepool.go       how many files are open at a time; pooledfile.go: one that may be
//	                  closed meanwhile
//	reader.go         Reader, and how it is opened
//	reading.go        one look at a directory: what is read, in which order, and what
//	                  is taken from the look before
//	nativefiles.go    which files belong to the log; wal.meta, until it reads the same twice
//	tables.go         the log files' tables, until they read the same twice
//	settling.go       how long half-written things count as work in progress
//	slottable.go      slots in memory, packed
//	runs.go           which slots of a file have their indexes in order
//	termorder.go      terms that go down, and which one is wrong
//	logorder.go       files one after the other: duplicates, conflicts, lost entries
//	lazylog.go        a log of many files, of which only the ends are read at first: presume.go
//	lazyfile.go       one file of it; tablecache.go: the tables that are in memory
//	sizes.go          payload lengths are read when they are first needed
//	sizefaults.go     which lengths are wrong by themselves; neighbours.go: which do not go
//	                  together with what stands behind them
//	emptied.go        how far payloads were emptied, over all files
//	checksum.go       verification
//	cipher.go         KEYREGISTRY, and the key that a file needs; keys.go opens it
//	erasedkey.go      the key of a file that has lost its key header, once it was found
//	log.go            the entries of all files, by index
//	logfile.go        the entries of one file, and a payload
//	window.go         many payloads with one read
//	bounds.go         the first and the last index
//	problems.go       what is wrong, in words; contradictions.go: where wal.meta, the files
//	                  and the log contradict each other
//	unreadable.go     what files may hold that cannot be read
//	recovery.go       what opening the directory for writing makes of it: recovery_files.go
//	                  which files are the log, recovery_end.go where it ends,
//	                  recovery_snapshot.go what the snapshot has replaced
//	alone.go          reading a directory that a writer has for itself
//	replaced.go       entries that were replaced, and whose slots are still there
//	remains.go        payloads of which no slot is left: where is searched, and what is left
//	                  out; payloadsearch.go: the search; replacedsource.go: reading them
//	refresh.go        following a directory; changed.go: whether anything in it has changed
//	unchanged.go      what two looks have in common
package dgraph
