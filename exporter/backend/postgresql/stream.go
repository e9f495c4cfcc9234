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

type copyStream struct {
	*io.PipeWriter
	result chan error
}

var errCopyEnded = errors.New("the COPY has ended")

func startCopy(ctx context.Context, conn *pgconn.PgConn, sql string) *copyStream {
	reader, writer := io.Pipe()
	s := &copyStream{writer, make(chan error, 1)}
	go func() {
		_, err := conn.CopyFrom(ctx, io.MultiReader(strings.NewReader(copyHeader), reader, strings.NewReader(copyTrailer)), sql)
		_ = reader.CloseWithError(errCopyEnded) // whoever writes waits for nothing
		s.result <- err
	}()
	return s
}

func (s *copyStream) finishCopy() error {
	_ = s.Close()
	return <-s.result
}
