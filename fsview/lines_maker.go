package fsview

import (
	"errors"
	"slices"
	"sync"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/payload"
)

// linesMaker makes the lines of a log file's entries, a piece at a time.
type linesMaker struct {
	file    *walcore.File
	system  *walcore.System
	decoder payload.Decoder
	*buffers
	// making is locked while a large entry is in the piece: no other is decoded then, and
	// its memory is not kept for what is decoded next.
	making *sync.Mutex
	large  bool // there is one
}

func (t *Tree) newLinesMaker(f *walcore.File) *linesMaker {
	return &linesMaker{file: f, system: t.log.Meta().System, decoder: t.Decoder(),
		buffers: borrowBuffers(), making: &t.decoding.cache.making}
}

// fill sets m.text to the lines of the entries from first to last, up to the end of a piece.
// next is the index with which the next piece begins, or 0. An entry that cannot be read has
// no line.
func (m *linesMaker) fill(first, last uint64) (next uint64, err error) {
	m.forgetLarge()
	m.text = m.text[:0]
	for e := range m.file.Source.Entries(first) {
		switch {
		case e.Index > last:
			return 0, nil
		case len(m.text) >= pieceBytes:
			return e.Index, nil
		}
		data, err := m.data(&e)
		if isUnreadable(err) {
			continue
		}
		if err != nil {
			return 0, err
		}
		// If a program fails, the line says so, as dump's does.
		if m.text, err = payload.AppendLine(m.text, m.system, m.decoder, &e, data); errors.Is(err, payload.ErrPaused) {
			return 0, err
		}
	}
	return 0, nil
}

func (m *linesMaker) data(e *walcore.Entry) ([]byte, error) {
	if e.Size <= largeEntry {
		return payload.Data(&m.payloads, e)
	}
	if !m.large {
		m.making.Lock()
		m.large = true
	}
	return payload.Data(new(walcore.Scanner), e)
}

// isUnreadable reports whether a payload can never be read in this tree. Other errors may
// pass, and then the line would be there.
func isUnreadable(err error) bool {
	return errors.Is(err, walcore.ErrDamaged) || errors.Is(err, walcore.ErrNoKey) ||
		errors.Is(err, walcore.ErrKey) || errors.Is(err, walcore.ErrDataKey)
}

// take gives the lines to the caller.
func (m *linesMaker) take() []byte {
	if m.large {
		return m.text // forgetLarge does not keep them
	}
	return slices.Clone(m.text)
}

func (m *linesMaker) forgetLarge() {
	if m.large {
		m.text, m.large = nil, false
		m.making.Unlock()
	}
}

func (m *linesMaker) end() {
	m.forgetLarge()
	m.giveBack()
}
