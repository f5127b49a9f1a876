package server

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/walfs/walfs/test/fixture"
)

// pieces is a client that notes how it gets an answer, and the time that it has for each piece.
type pieces struct {
	*httptest.ResponseRecorder
	sizes     []int
	deadlines int
}

func (p *pieces) Write(b []byte) (int, error) {
	p.sizes = append(p.sizes, len(b))
	return p.ResponseRecorder.Write(b)
}

func (p *pieces) SetWriteDeadline(time.Time) error { p.deadlines++; return nil }

// TestPieces: a long answer is written in pieces, of which each has its own time.
func TestPieces(t *testing.T) {
	p := &pieces{ResponseRecorder: httptest.NewRecorder()}
	cutSlow(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n, err := w.Write(make([]byte, 2*writePiece+1))
		fixture.Must(t, err)
		if n != 2*writePiece+1 {
			t.Errorf("%d bytes", n)
		}
	})).ServeHTTP(p, httptest.NewRequest("GET", "/", nil))
	if len(p.sizes) != 3 || p.sizes[0] != writePiece || p.sizes[2] != 1 || p.deadlines != 3 {
		t.Errorf("pieces of %d bytes, %d times", p.sizes, p.deadlines)
	}
}
