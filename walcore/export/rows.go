package export

import (
	"errors"
	"fmt"

	"github.com/parquet-go/parquet-go"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/payload"
)

// rows makes rows of entries.
type rows struct {
	*Options
	meta     *walcore.Meta
	file     parquet.Value // the log file's name
	payloads walcore.Scanner
	facts    payload.Facts
	names    edgeNames

	entries, edges, txns *tableWriter

	unreadable int // entries whose payload could not be read
}

// add adds the rows of an entry. It fails if the entry has changed since the log was
// listed.
func (r *rows) add(e *walcore.Entry) error {
	data, err := payload.Data(&r.payloads, e)
	if errors.Is(err, walcore.ErrChanged) {
		return err
	}
	r.place(e)
	switch {
	case err != nil:
		r.unreadable++
		r.Failed(err)
		r.entries.batch.text(entryError, validText([]byte(err.Error())))
	default:
		r.content(e, data)
	}
	r.entries.endRow()
	return nil
}

// place sets the columns that need no payload.
func (r *rows) place(e *walcore.Entry) {
	b := r.entries.batch
	b.later = append(b.later, payload.Entry{})
	b.integer(entryIndex, int64(e.Index))
	b.integer(entryTerm, int64(e.Term))
	name, _ := r.meta.System.TypeName(e.Type)
	b.text(entryType, name.Symbol)
	b.integer(entrySize, e.Size)
	b.set(entryFile, r.file)
	b.integer(entrySlot, int64(e.Slot))
	b.integer(entryOffset, int64(e.Offset))
	if t, stored := e.Time(); !t.IsZero() {
		of := "file"
		if stored {
			of = "entry"
		}
		b.instant(entryTime, t)
		b.text(entryTimeOf, of)
	}
	if h := r.meta.HardState; h != nil {
		b.boolean(entryCommitted, e.Index <= h.Commit)
	}
}

// content sets the columns that say what the entry means, and adds its edges and
// transactions.
func (r *rows) content(e *walcore.Entry, data []byte) {
	b, f := r.entries.batch, &r.facts
	entry := payload.EntryOf(e, data)
	r.Decoder.Facts(f, entry)
	b.text(entryKind, f.Kind)
	b.integer(entryEdges, int64(f.Edges))
	b.integer(entryDeletes, int64(f.Deletes))
	b.integer(entryCommits, int64(f.Commits))
	b.integer(entryAborts, int64(f.Aborts))
	if f.HasKey {
		b.unsigned(entryKey, f.Key)
	}
	if id, ok := f.Proposer(); ok {
		b.unsigned(entryProposer, id)
	}
	r.txn(b)
	if entry.TooLarge > 0 {
		b.text(entryError, fmt.Sprintf("the payload has %d bytes: those of more than %d are left out", e.Size, payload.MaxData))
	} else {
		entry.Data = b.copy(entryPayload, data)
	}
	b.later[b.rows] = entry
	r.addEdges(e)
	r.addTxns(e)
}

// txn sets the transaction that the entry begins or goes on with, or decides if it is the
// only one.
func (r *rows) txn(b *batch) {
	if ts, ok := r.facts.Starts(); ok {
		b.unsigned(entryTxnStart, ts)
		return
	}
	if r.facts.Commits+r.facts.Aborts != 1 {
		return
	}
	for txn := range r.facts.Txns() {
		b.unsigned(entryTxnStart, txn.StartTs)
		if txn.CommitTs != 0 {
			b.unsigned(entryTxnCommit, txn.CommitTs)
		}
	}
}

func (r *rows) addTxns(e *walcore.Entry) {
	for txn := range r.facts.Txns() {
		b := r.txns.batch
		b.integer(txnIndex, int64(e.Index))
		b.integer(txnTerm, int64(e.Term))
		b.set(txnFile, r.file)
		b.unsigned(txnStart, txn.StartTs)
		if txn.CommitTs != 0 {
			b.unsigned(txnCommit, txn.CommitTs)
		}
		b.boolean(txnAborted, txn.CommitTs == 0)
		r.txns.endRow()
	}
}
