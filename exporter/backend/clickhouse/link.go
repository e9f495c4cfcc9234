package clickhouse

import (
	"context"
	"errors"

	"github.com/ClickHouse/ch-go/proto"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
	"github.com/otel-sessionlog/sessionlog/session"
)

// link is a connection, made when it is first wanted and made anew when it broke, with the memory in which its batches are made.
type link struct {
	*store
	client *configclickhouse.Client
	conn   configclickhouse.Conn
	used   bool // the connection has answered before, and may have been closed meanwhile
	away   bool // a node of the cluster did not carry out a change of the schema in time

	block  *block
	hasher session.Hasher
	keys   []key
	unique []id       // of keys
	hashes [][16]byte // by ordinal
	fates  []fate     // by ordinal
}

// do runs one statement. A connection that nobody knows the state of is not used again; one that was closed while nobody used
// it is replaced at once.
func (l *link) do(ctx context.Context, statement func(configclickhouse.Conn) error) error {
	for {
		if err := l.connect(ctx); err != nil {
			return err
		}
		again := l.used
		err := statement(l.conn)
		var told *configclickhouse.Exception
		if err == nil || errors.As(err, &told) {
			l.used = true
			return err
		}
		l.close()
		if !again || ctx.Err() != nil {
			return err
		}
	}
}

// insert sends blocks. It is not tried again by itself: nobody knows what of it was stored, and the rows are gone.
func (l *link) insert(ctx context.Context, sql string, columns proto.Input, next func() error) error {
	if err := l.connect(ctx); err != nil {
		return err
	}
	err := l.conn.Insert(ctx, sql, columns, next)
	if err != nil {
		l.close() // blocks may be on their way still
	}
	return err
}

func (l *link) connect(ctx context.Context) (err error) {
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

func (l *link) close() {
	if l.conn != nil {
		_ = l.conn.Close()
		l.conn, l.used = nil, false
	}
}

// exec runs a statement that changes the schema. On a cluster a node that is away carries it out when it is back: it is not waited for.
func (l *link) exec(ctx context.Context, sql string) error {
	var settings []configclickhouse.Setting
	if l.cfg.Cluster != "" {
		patience := ddlPatience
		if l.away {
			patience = ddlHaste
		}
		settings = append(settings, configclickhouse.Setting{Name: "distributed_ddl_task_timeout", Value: patience})
	}
	err := l.do(ctx, func(conn configclickhouse.Conn) error { return conn.Exec(ctx, sql, settings...) })
	if l.cfg.Cluster != "" && configclickhouse.HasCode(err, codeTimeout) {
		l.away = true
		l.log.Warn("a node of the cluster has not carried out a change of the schema yet; it will when it is back", zap.Error(err))
		return nil
	}
	return err
}

// How many seconds a change of the schema may take on the nodes of a cluster: the first, and those after one that was not in time.
const ddlPatience, ddlHaste = "20", "5"

// texts runs a statement that gives few rows of one text.
func (l *link) texts(ctx context.Context, sql string) (all []string, err error) {
	var col proto.ColStr
	err = l.do(ctx, func(conn configclickhouse.Conn) error {
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
