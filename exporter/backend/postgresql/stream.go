package postgresql

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// pieceSize is how many bytes of rows go into a COPY at a time: some 500 logins.
const pieceSize = 256 << 10

// stream is a COPY under way: the server takes one piece while the next is made.
type stream struct {
	pieces chan []byte
	free   chan []byte
	ended  chan struct{} // closed when the COPY is over
	err    error         // of the COPY, when it is over

	piece, rest []byte // what Read is giving
}

// errEnded tells the maker of rows that the COPY is over before its time; err says why.
var errEnded = errors.New("the COPY has ended")

func startStream(ctx context.Context, conn *pgconn.PgConn, sql string) *stream {
	s := &stream{pieces: make(chan []byte), free: make(chan []byte, 2), ended: make(chan struct{})}
	s.free <- nil
	go func() {
		defer close(s.ended)
		_, s.err = conn.CopyFrom(ctx, io.MultiReader(strings.NewReader(copyHeader), s, strings.NewReader(copyTrailer)), sql)
	}()
	return s
}

// hand gives a piece away and gets memory for the next.
func (s *stream) hand(piece []byte) (next []byte, err error) {
	select {
	case s.pieces <- piece:
	case <-s.ended:
		return piece[:0], errEnded
	}
	select {
	case next = <-s.free:
		return next, nil
	case <-s.ended:
		return nil, errEnded
	}
}

// close says that there is no more, and waits for the server's answer.
func (s *stream) close() error {
	close(s.pieces)
	<-s.ended
	return s.err
}

// Read is called by the COPY.
func (s *stream) Read(p []byte) (int, error) {
	for len(s.rest) == 0 {
		if s.piece != nil {
			s.free <- s.piece[:0] // there is room: two buffers go round
		}
		piece, more := <-s.pieces
		if !more {
			s.piece = nil
			return 0, io.EOF
		}
		s.piece, s.rest = piece, piece
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}
