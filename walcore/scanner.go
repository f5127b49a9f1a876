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
	// Data gives an entry's payload, decrypted, good until the next call; ok
	// is false where it has to be read by itself.
	Data(e Entry) (data []byte, ok bool)
	// Forget makes it read anew what it has read.
	Forget()
}

// Windowed is a Source that reads ahead.
type Windowed interface {
	Source
	// Window makes a window that serves all entries of the source's kind.
	Window() Window
}

// Reset makes s read anew what it has read.
func (s *Scanner) Reset() {
	if s.window != nil {
		s.window.Forget()
	}
}

// Data gives an entry's payload, decrypted. It is good until the next call, and
// fails as Entry.ReadAt does.
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
	// By itself it is read or fails as it should.
	var err error
	s.data, err = e.AppendData(s.data[:0])
	return s.data, err
}
