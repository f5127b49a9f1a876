package repair

import (
	"crypto/cipher"
	"fmt"
	"slices"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/dgraph"
	"github.com/walfs/walfs/walcore/format"
	"github.com/walfs/walfs/walcore/payload"
)

// findErased looks for the keys of log files whose key headers were erased. If it finds
// any, the directory is read anew with them.
func (p *planner) findErased() error {
	var lost []walcore.Problem
	for _, problem := range p.log.Problems() {
		if problem.Kind == walcore.KindKeyErased {
			lost = append(lost, problem)
		}
	}
	if len(lost) == 0 {
		return nil
	}
	keys, err := readDataKeys(p.log, p.opts.Key)
	if err != nil {
		return err
	}
	stored, err := dgraph.OpenReader(p.meta.Path, dgraph.ReaderOptions{Key: p.opts.Key, Plain: true})
	if err != nil {
		return err
	}
	defer stored.Close() // it was only read
	found := map[string]dgraph.ErasedKey{}
	list := guesses(p.log)
	for _, f := range stored.Files() {
		i := slices.IndexFunc(lost, func(l walcore.Problem) bool { return l.File == f.Name })
		if i < 0 {
			continue
		}
		header, _, err := searchHeader(p.ctx, f, keys, list)
		if err != nil {
			return err
		}
		if k, ok := p.tellSlots(f, header, keys); ok {
			found[f.Name] = k
			p.mended = append(p.mended, lost[i])
			p.found = append(p.found, foundText(f.Name, k))
		}
	}
	if len(found) == 0 {
		return nil
	}
	p.log, err = dgraph.OpenReader(p.meta.Path, dgraph.ReaderOptions{Key: p.opts.Key, Erased: found})
	if err != nil {
		return err
	}
	p.reopened, p.meta = p.log, p.log.Meta()
	return nil
}

func foundText(name string, k dgraph.ErasedKey) string {
	if k.Header.KeyID == 0 {
		return fmt.Sprintf("%s has no key id, and is plain: all its payloads parse.", name)
	}
	text := fmt.Sprintf("%s had lost its key id and base IV. They were found again: data key %d, base IV %x. "+
		"The payloads of its first %d slots are encrypted", name, k.Header.KeyID, k.Header.BaseIV, k.Encrypted)
	if k.Plain > k.Encrypted {
		text += fmt.Sprintf("; whether those of the next %d are, nothing tells", k.Plain-k.Encrypted)
	}
	return text + "."
}

// certainlyPlain is how many payloads have to parse before a file counts as plain
// because of that alone.
const certainlyPlain = 8

// tellSlots finds out which payloads of a file are encrypted as header says, and which
// are plain. Those are behind the others: a node that was started again, and found no key
// header, has written them. Where a payload parses only when it is decrypted, or only
// when it is not, it tells. With header's key id 0 all payloads have to be plain.
func (p *planner) tellSlots(f *walcore.File, header format.KeyHeader, keys []dataKey) (k dgraph.ErasedKey, ok bool) {
	decoder := payload.NewDgraph(payload.AppOf(p.log), payload.Options{})
	var key cipher.Block
	if i := slices.IndexFunc(keys, func(k dataKey) bool { return k.id == header.KeyID }); i >= 0 {
		key = keys[i].block
	}
	k = dgraph.ErasedKey{Header: header, Plain: -1}
	last, plain := -1, 0
	for e := range f.Source.Entries(0) {
		last = e.Slot
		if e.Size == 0 || e.Type != walcore.EntryNormal {
			continue
		}
		data, err := e.Data()
		if err != nil {
			continue // it is damaged
		}
		asPlain := decoder.Fit(payload.EntryOf(&e, data)) == payload.Fits
		decrypted := false
		if key != nil {
			format.Decrypt(key, header.IV(e.Offset), data, 0)
			decrypted = decoder.Fit(payload.EntryOf(&e, data)) == payload.Fits
		}
		switch {
		case key == nil && !asPlain:
			return k, false
		case asPlain && !decrypted:
			if plain++; k.Plain < 0 {
				k.Plain = e.Slot
			}
		case decrypted && !asPlain:
			if k.Plain >= 0 {
				return k, false // it is encrypted, behind one that is not
			}
			k.Encrypted = e.Slot + 1
		}
	}
	if key == nil {
		k.Plain = 0
		return k, plain >= certainlyPlain
	}
	if k.Plain < 0 {
		k.Plain = last + 1
	}
	return k, k.Encrypted > 0
}
