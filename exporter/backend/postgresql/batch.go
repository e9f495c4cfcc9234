package postgresql

import (
	"context"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/otel-sessionlog/sessionlog/session"
)

const (
	// maxRecord is the most that one record may take in its stored form, in bytes. PostgreSQL itself ends at 1 GB a value
	// and at 256 MB a jsonb.
	maxRecord = 64 << 20
	tooLarge  = "the record takes more than 64 MiB"
	// chunkSize is how many bytes of rows are sent at once: some 30,000 logins.
	chunkSize = 16 << 20
)

// batch collects rows and sends them into a table.
type batch interface {
	rowWriter
	begin(ordinal int)
	// end closes the row. If it can never be stored, it takes the row out again and says why.
	end() (reason string)
	size() int
	send(ctx context.Context, conn *pgconn.PgConn, sql string) error
	reset()
}

// add puts the event into b as one row, or tells why it cannot be stored.
func add(b batch, ordinal int, e *session.Event) (reason string) {
	b.begin(ordinal)
	for i := range columns {
		columns[i].write(b, e)
	}
	return b.end()
}
