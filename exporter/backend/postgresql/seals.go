package postgresql

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/internal/seal"
)

// AppendSeal writes both rows of a seal in one transaction.
func (s *eventStore) AppendSeal(ctx context.Context, sealed *seal.Seal) error {
	return s.cfg.explainError("sealing", s.withPooledConn(ctx, func(ctx context.Context, conn *pgconn.PgConn) error { return s.insertSeal(ctx, conn, sealed) }))
}

// PruneSeals needs DELETE on both tables.
func (s *eventStore) PruneSeals(ctx context.Context, log string, before uint64) error {
	err := s.withPooledConn(ctx, func(ctx context.Context, conn *pgconn.PgConn) error {
		of := " WHERE log = " + (&queryStore{cfg: s.cfg}).Text(log)
		return execStatements(ctx, conn, s.cfg.prefixNames("BEGIN; DELETE FROM session_seal_pages"+of)+fmt.Sprintf(" AND first < %d; ", before)+
			s.cfg.prefixNames("DELETE FROM session_seals"+of)+fmt.Sprintf(" AND first + pages < %d; COMMIT", before))
	})
	return s.cfg.explainError("pruning seals", err)
}

const binaryFormat = 1 // of a parameter, in PostgreSQL's protocol

func (s *eventStore) insertSeal(ctx context.Context, conn *pgconn.PgConn, sealed *seal.Seal) error {
	text := func(text string) string { return (&queryStore{cfg: s.cfg}).Text(text) }
	bytes := func(b []byte) string { return fmt.Sprintf(`'\x%x'`, b) }
	n, err := execCounting(ctx, conn, s.cfg.prefixNames(fmt.Sprintf("BEGIN; INSERT INTO session_seals (log, first, pages, entries, head, edge) SELECT %[1]s, %[2]d, %[3]d, %[4]d, %[5]s, %[6]s::bytea "+
		"WHERE coalesce((SELECT first + pages FROM session_seals WHERE log = %[1]s AND first < %[2]d ORDER BY first DESC LIMIT 1), 0) = %[2]d ON CONFLICT DO NOTHING",
		text(sealed.Log), sealed.First, sealed.Pages, sealed.Entries, text(sealed.Head), bytes(sealed.Edge))))
	if err != nil {
		return err
	}
	if n == 0 {
		rows, err := queryRows(ctx, conn, s.cfg.prefixNames("SELECT head FROM session_seals WHERE log = ")+fmt.Sprintf("%s AND first = %d", text(sealed.Log), sealed.First))
		head := ""
		for _, row := range rows {
			head = restoreText(row[0])
		}
		if err == nil {
			err = backend.RequireSeal(sealed, head)
		}
		if err != nil {
			return err
		}
		return execStatements(ctx, conn, "ROLLBACK")
	}
	// The entries of 65,536 records are two megabytes, which as hexadecimal digits took as long as sealing them.
	insert := s.cfg.prefixNames("INSERT INTO session_seal_pages (log, first, min_id, max_id, seed, manifest, texts) VALUES (") +
		fmt.Sprintf("%s, %d, %s, %s, %s, $1::bytea, %s)", text(sealed.Log), sealed.First, bytes(sealed.MinID[:]), bytes(sealed.MaxID[:]), bytes(sealed.Seed[:]), text(sealed.Texts))
	if _, err := conn.ExecParams(ctx, insert, [][]byte{sealed.Manifest}, nil, []int16{binaryFormat}, nil).Close(); err != nil {
		return err
	}
	return execStatements(ctx, conn, "COMMIT")
}
