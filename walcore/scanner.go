package walcore

// Scanner reads the payloads of entries that follow one another, many with one
// system call where their Source can. The zero value is ready; one goroutine may
// use it.
type Scanner struct {
	window Window
	data   []byte // the last payload, where there is no window
}

// Window is what a Source reads ahead for a Scanner.
type Window interface {
	// Data gives an entry's decrypted payload, valid until the next call; ok is
	// false where it has to be read alone.
	Data(e Entry) (data []byte, ok bool)
	// Forget drops what was read, so that it is read again.
	Forget()
}

// Windowed is a Source that reads ahead.
type Windowed interface {
	Source
	// Window makes a window that can be used for all sources of the same log.
	Window() Window
}

// Reset makes s forget what it has read ahead.
func (s *Scanner) Reset() {
	if s.window != nil {
		s.window.Forget()
	}
}

// Data gives an entry's payload, decrypted. It is valid until the next call.
// Data fails as Entry.ReadAt does.
func (s *Scanner) Data(e *Entry) ([]byte, error) {
	if e.Size == 0 {
		return nil, nil
	}
	if s.window == nil {
		if w, ok := e.File.Source.(Windowed); ok {
			s.window = w.Window()
		}
	}
	if s.window != nil {
		if data, ok := s.window.Data(*e); ok {
			return data, nil
		}
	}
	// Not in the window: read it alone, which gives the right error if it fails.
	var err error
	s.data, err = e.AppendData(s.data[:0])
	return s.data, err
}
