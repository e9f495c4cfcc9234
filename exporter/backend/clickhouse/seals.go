package clickhouse

import (
	"context"
	"fmt"
	"io"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/internal/seal"
)

// AppendSeal writes the pages of a seal, and then the seal: pages alone count for nothing, and are written again.
func (s *eventStore) AppendSeal(ctx context.Context, sealed *seal.Seal) error {
	return s.pool.Do(ctx, func(ctx context.Context, l *serverConn) error {
		return s.cfg.explainError("sealing", l.insertSeal(ctx, sealed))
	})
}

// PruneSeals needs ALTER TABLE, as ttl does.
func (s *eventStore) PruneSeals(ctx context.Context, log string, before uint64) error {
	return s.pool.Do(ctx, func(ctx context.Context, l *serverConn) error {
		for table, aged := range map[string]string{"session_seal_pages": "first", "session_seals": "first + pages"} {
			name, clause := s.cfg.storingTable(table)
			sql := fmt.Sprintf("ALTER TABLE %s%s DELETE WHERE log = %s AND %s < %d", name, clause, configclickhouse.QuoteText(log), aged, before)
			if err := l.execSchemaChange(ctx, sql); err != nil {
				return s.cfg.explainError("pruning seals", err)
			}
		}
		return nil
	})
}

func (l *serverConn) insertSeal(ctx context.Context, s *seal.Seal) error {
	if there, follows, err := l.isSealStored(ctx, s); err != nil || there {
		return err
	} else if !follows {
		return backend.RequireSeal(s, "")
	}
	if err := l.insertRow(ctx, l.sql.sealPages, proto.Input{
		{Name: "log", Data: bytesColumn(s.Log)},
		{Name: "first", Data: &proto.ColUInt64{s.First}},
		{Name: "min_id", Data: bytesColumn(string(s.MinID[:]))},
		{Name: "max_id", Data: bytesColumn(string(s.MaxID[:]))},
		{Name: "seed", Data: bytesColumn(string(s.Seed[:]))},
		{Name: "manifest", Data: bytesColumn(string(s.Manifest))},
		{Name: "texts", Data: bytesColumn(s.Texts)},
	}); err != nil {
		return err
	}
	if err := l.insertRow(ctx, l.sql.seal, proto.Input{
		{Name: "log", Data: bytesColumn(s.Log)},
		{Name: "first", Data: &proto.ColUInt64{s.First}},
		{Name: "pages", Data: &proto.ColUInt64{s.Pages}},
		{Name: "entries", Data: &proto.ColUInt64{s.Entries}},
		{Name: "head", Data: bytesColumn(s.Head)},
		{Name: "edge", Data: bytesColumn(string(s.Edge))},
	}); err != nil {
		return err
	}
	// Nothing keeps two writers from one place: who comes second finds both.
	heads, err := l.queryTexts(ctx, fmt.Sprintf(l.sql.heads, configclickhouse.QuoteText(s.Log), s.First))
	for _, head := range heads {
		if err := backend.RequireSeal(s, head); err != nil {
			return err
		}
	}
	return err
}

// mostPagesOfASeal is more than one has: no more of a log is looked through for the seal before another.
const mostPagesOfASeal = 8192

// isSealStored reports whether a seal is there, and whether the one before is.
func (l *serverConn) isSealStored(ctx context.Context, s *seal.Seal) (isThere, follows bool, err error) {
	heads, err := l.queryTexts(ctx, fmt.Sprintf(l.sql.ends, configclickhouse.QuoteText(s.Log), s.First-min(s.First, mostPagesOfASeal), s.First))
	follows = s.First == 0
	for _, head := range heads {
		if head == "" {
			follows = true
			continue
		}
		if err := backend.RequireSeal(s, head); err != nil {
			return false, false, err
		}
		isThere = true
	}
	return isThere, follows, err
}

func bytesColumn(text string) *proto.ColStr {
	column := new(proto.ColStr)
	column.Append(text)
	return column
}

func (l *serverConn) insertRow(ctx context.Context, sql string, columns proto.Input) error {
	return l.insertBlocks(ctx, sql, columns, func() error {
		for _, column := range columns {
			column.Data.(proto.Resettable).Reset()
		}
		return io.EOF
	})
}
