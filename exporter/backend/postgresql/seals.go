package postgresql

import (
	"context"
	"fmt"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/internal/seal"
)

// AppendSeal writes both rows of a seal in one transaction.
func (s *eventStore) AppendSeal(ctx context.Context, sealed *seal.Seal) error {
	err := s.pool.Do(ctx, func(ctx context.Context, l *serverConn) error {
		if err := l.ensureConnected(ctx); err != nil {
			return err
		}
		err := l.insertSeal(ctx, sealed)
		if err != nil {
			l.rollbackOrClose()
		}
		return err
	})
	return s.cfg.explainError("sealing", err)
}

// PruneSeals needs DELETE on both tables.
func (s *eventStore) PruneSeals(ctx context.Context, log string, before uint64) error {
	err := s.pool.Do(ctx, func(ctx context.Context, l *serverConn) error {
		if err := l.ensureConnected(ctx); err != nil {
			return err
		}
		of := " WHERE log = " + (&queryStore{cfg: s.cfg}).Text(log)
		err := execStatements(ctx, l.conn, s.cfg.prefixNames("BEGIN; DELETE FROM session_seal_pages"+of)+fmt.Sprintf(" AND first < %d; ", before)+
			s.cfg.prefixNames("DELETE FROM session_seals"+of)+fmt.Sprintf(" AND first + pages < %d; COMMIT", before))
		if err != nil {
			l.rollbackOrClose()
		}
		return err
	})
	return s.cfg.explainError("pruning seals", err)
}

const binaryFormat = 1 // of a parameter, in PostgreSQL's protocol

func (l *serverConn) insertSeal(ctx context.Context, s *seal.Seal) error {
	text := func(text string) string { return (&queryStore{cfg: l.cfg}).Text(text) }
	bytes := func(b []byte) string { return fmt.Sprintf(`'\x%x'`, b) }
	n, err := execCounting(ctx, l.conn, l.cfg.prefixNames(fmt.Sprintf("BEGIN; INSERT INTO session_seals (log, first, pages, entries, head, edge) SELECT %[1]s, %[2]d, %[3]d, %[4]d, %[5]s, %[6]s::bytea "+
		"WHERE coalesce((SELECT first + pages FROM session_seals WHERE log = %[1]s AND first < %[2]d ORDER BY first DESC LIMIT 1), 0) = %[2]d ON CONFLICT DO NOTHING",
		text(s.Log), s.First, s.Pages, s.Entries, text(s.Head), bytes(s.Edge))))
	if err != nil {
		return err
	}
	if n == 0 {
		rows, err := queryRows(ctx, l.conn, l.cfg.prefixNames("SELECT head FROM session_seals WHERE log = ")+fmt.Sprintf("%s AND first = %d", text(s.Log), s.First))
		head := ""
		for _, row := range rows {
			head = restoreText(row[0])
		}
		if err == nil {
			err = backend.RequireSeal(s, head)
		}
		if err != nil {
			return err
		}
		return execStatements(ctx, l.conn, "ROLLBACK")
	}
	// The entries of 65,536 records are two megabytes, which as hexadecimal digits took as long as sealing them.
	insert := l.cfg.prefixNames("INSERT INTO session_seal_pages (log, first, min_id, max_id, seed, manifest, texts) VALUES (") +
		fmt.Sprintf("%s, %d, %s, %s, %s, $1::bytea, %s)", text(s.Log), s.First, bytes(s.MinID[:]), bytes(s.MaxID[:]), bytes(s.Seed[:]), text(s.Texts))
	if _, err := l.conn.ExecParams(ctx, insert, [][]byte{s.Manifest}, nil, []int16{binaryFormat}, nil).Close(); err != nil {
		return err
	}
	return execStatements(ctx, l.conn, "COMMIT")
}
