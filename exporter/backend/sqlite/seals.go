package sqlite

import (
	"context"

	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/internal/seal"
)

func (s *eventStore) AppendSeal(ctx context.Context, sealed *seal.Seal) error {
	return s.serveStatement(ctx, func(w *groupWriter) error { return w.insertSeal(sealed) })
}

func (s *eventStore) PruneSeals(ctx context.Context, log string, before uint64) error {
	return s.serveStatement(ctx, func(w *groupWriter) error {
		for _, sql := range []string{"DELETE FROM session_seal_pages WHERE log = ? AND first < ?", "DELETE FROM session_seals WHERE log = ? AND first + pages < ?"} {
			if err := sqlitex.Execute(w.conn, w.cfg.prefixNames(sql), &sqlitex.ExecOptions{Args: []any{log, int64(before)}}); err != nil { //nolint:gosec // pages
				return err
			}
		}
		return nil
	})
}

// serveStatement runs do in the writer's next transaction, where no events are written.
func (s *eventStore) serveStatement(ctx context.Context, do func(*groupWriter) error) error {
	return s.serve(&writeRequest{ctx: ctx, do: do, done: make(chan struct{})})
}

const insertSealSQL = "INSERT INTO session_seals (log, first, pages, entries, head, edge) SELECT :log, :first, :pages, :entries, :head, :edge " +
	"WHERE coalesce((SELECT first + pages FROM session_seals WHERE log = :log AND first < :first ORDER BY first DESC LIMIT 1), 0) = :first ON CONFLICT DO NOTHING"

const insertSealPagesSQL = "INSERT INTO session_seal_pages (log, first, min_id, max_id, seed, manifest, texts) VALUES (:log, :first, :min_id, :max_id, :seed, :manifest, :texts)"

func (w *groupWriter) insertSeal(s *seal.Seal) error {
	log, first := s.Log, int64(s.First) //nolint:gosec // pages
	err := sqlitex.Execute(w.conn, w.cfg.prefixNames(insertSealSQL), &sqlitex.ExecOptions{Named: map[string]any{
		":log": log, ":first": first, ":pages": int64(s.Pages), ":entries": int64(s.Entries), ":head": s.Head, ":edge": s.Edge, //nolint:gosec // pages
	}})
	if err != nil {
		return err
	}
	if w.conn.Changes() == 0 {
		return w.requireSameSeal(s, first)
	}
	return sqlitex.Execute(w.conn, w.cfg.prefixNames(insertSealPagesSQL), &sqlitex.ExecOptions{Named: map[string]any{
		":log": log, ":first": first, ":min_id": s.MinID[:], ":max_id": s.MaxID[:], ":seed": s.Seed[:], ":manifest": s.Manifest, ":texts": s.Texts,
	}})
}

func (w *groupWriter) requireSameSeal(s *seal.Seal, first int64) error {
	head, err := queryText(w.conn, w.cfg.prefixNames("SELECT head FROM session_seals WHERE log = ? AND first = ?"), s.Log, first)
	if err == nil {
		err = backend.RequireSeal(s, head)
	}
	return err
}
