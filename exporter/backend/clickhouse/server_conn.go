package clickhouse

import (
	"context"
	"errors"

	"github.com/ClickHouse/ch-go/proto"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/session"
)

// serverConn is a connection, made when it is first wanted and made anew when it broke, with the memory in which its batches are made.
type serverConn struct {
	*eventStore
	client      *configclickhouse.Client
	conn        configclickhouse.Conn
	hasAnswered bool // the connection has answered before, and may have been closed meanwhile
	nodeAway    bool // a node of the cluster did not carry out a change of the schema in time

	rows   *rowBlock
	keys   []batchKey
	unique []session.ID   // of keys
	hashes [][16]byte     // by ordinal
	fates  []backend.Fate // by ordinal
	places []int          // indexes in the batch, by ordinal
}

// runStatement runs one statement. A connection that nobody knows the state of is not used again; one that was closed while nobody used
// it is replaced at once.
func (l *serverConn) runStatement(ctx context.Context, statement func(configclickhouse.Conn) error) error {
	for {
		if err := l.ensureConnected(ctx); err != nil {
			return err
		}
		again := l.hasAnswered
		err := statement(l.conn)
		var answer *configclickhouse.Exception
		if err == nil || errors.As(err, &answer) {
			l.hasAnswered = true
			return err
		}
		l.closeConn()
		if !again || ctx.Err() != nil {
			return err
		}
	}
}

// insertBlocks sends blocks. It is not tried again by itself: nobody knows what of it was stored, and the rows are gone.
func (l *serverConn) insertBlocks(ctx context.Context, sql string, columns proto.Input, next func() error) error {
	if err := l.ensureConnected(ctx); err != nil {
		return err
	}
	err := l.conn.Insert(ctx, sql, columns, next)
	if err != nil {
		l.closeConn() // blocks may be on their way still
	}
	return err
}

func (l *serverConn) ensureConnected(ctx context.Context) (err error) {
	if l.conn != nil {
		return nil
	}
	if l.client == nil {
		if l.client, err = configclickhouse.NewClient(ctx, l.cfg.ClientConfig); err != nil {
			return err
		}
	}
	l.conn, err = l.client.Connect(ctx)
	return err
}

func (l *serverConn) closeConn() {
	if l.conn != nil {
		_ = l.conn.Close()
		l.conn, l.hasAnswered = nil, false
	}
}

// execSchemaChange runs a statement that changes the schema. On a cluster a node that is away carries it out when it is back: it is not waited for.
func (l *serverConn) execSchemaChange(ctx context.Context, sql string) error {
	var settings []configclickhouse.Setting
	if l.cfg.Cluster != "" {
		timeout := schemaChangeLimits.first
		if l.nodeAway {
			timeout = schemaChangeLimits.nodeAway
			settings = append(settings, configclickhouse.Setting{Name: "distributed_ddl_output_mode", Value: "throw_only_active"})
		}
		settings = append(settings, configclickhouse.Setting{Name: "distributed_ddl_task_timeout", Value: timeout})
	}
	err := l.runStatement(ctx, func(conn configclickhouse.Conn) error { return conn.Exec(ctx, sql, settings...) })
	if l.cfg.Cluster != "" && configclickhouse.HasCode(err, codeTimeout) {
		l.nodeAway = true
		l.log.Warn("a node of the cluster has not carried out a change of the schema yet; it will when it is back", zap.Error(err))
		return nil
	}
	return err
}

// schemaChangeLimits are how many seconds a change of the schema may take on the nodes of a cluster: the first, and those after one that was
// not in time.
var schemaChangeLimits = struct{ first, nodeAway string }{"20", "5"}

func (l *serverConn) queryTexts(ctx context.Context, sql string) (all []string, err error) {
	var col proto.ColStr
	err = l.runStatement(ctx, func(conn configclickhouse.Conn) error {
		all = nil
		return conn.Query(ctx, "", sql, proto.Results{{Name: "text", Data: &col}}, func(rows int) error {
			for i := range rows {
				all = append(all, col.Row(i))
			}
			return nil
		})
	})
	return all, err
}
