package clickhouse

import (
	"context"
	"errors"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
	"github.com/otel-sessionlog/sessionlog/receiver/source/clickhouse/internal/rows"
	"github.com/otel-sessionlog/sessionlog/receiver/source/poll"
)

// heldConnection is one held connection, made again when it is needed and there is none.
type heldConnection struct {
	client *configclickhouse.Client
	log    rows.Log
	self   *selfConn     // nil where own logins are not left out
	watch  serverWatcher // may be nil
	conn   configclickhouse.Conn
	server string // UUID of the one that gave the last answer
}

// serverWatcher follows who is at the other end of a connection.
type serverWatcher interface {
	// serverChanged is called when another server answers than before, "" for the first one; its error refuses the answer.
	serverChanged(ctx context.Context, before, server string) error
	// unreachable is called when no connection can be had.
	unreachable()
}

func (r *clickhouseSource) newConnection(ctx context.Context, cfg Config, self *selfLogins) (*heldConnection, error) {
	client, err := configclickhouse.NewClient(ctx, cfg.ClientConfig)
	if err != nil {
		return nil, err
	}
	c := &heldConnection{client: client, log: rows.Log{Table: r.tableName, Cluster: cfg.AllReplicas, Database: cfg.Database, Username: cfg.Username}}
	if self != nil {
		c.self = &selfConn{selfLogins: self}
		client.LoginTag = c.self.newLoginTag
	}
	return c, nil
}

// runQuery asks the server, connecting first where there is no connection. After an error that is not the server's word the
// connection is given up.
func (c *heldConnection) runQuery(ctx context.Context, query func(configclickhouse.Conn) error) error {
	if c.conn == nil {
		conn, err := c.client.Connect(ctx)
		if err != nil {
			if c.watch != nil {
				c.watch.unreachable()
			}
			return c.log.Explain(err)
		}
		c.conn = conn
	}
	err := query(c.conn)
	if err != nil && !isServersWord(err) {
		c.closeConnection()
		return err
	}
	return c.log.Explain(err)
}

func isServersWord(err error) bool {
	var exception *configclickhouse.Exception
	var waiting *poll.WaitError
	return errors.As(err, &exception) || errors.As(err, &waiting)
}

// noteAnswer notes which server has answered a query that went without err.
func (c *heldConnection) noteAnswer(ctx context.Context, server string, err error) error {
	if err != nil || server == "" {
		return err
	}
	if c.self != nil {
		c.self.answeredBy(server)
	}
	if server != c.server && c.watch != nil {
		if err := c.watch.serverChanged(ctx, c.server, server); err != nil {
			return err
		}
	}
	c.server = server
	return nil
}

func (c *heldConnection) readIdentity(ctx context.Context) (id rows.Identity, err error) {
	err = c.runQuery(ctx, func(conn configclickhouse.Conn) error {
		id, err = rows.ReadIdentity(ctx, conn)
		return c.noteAnswer(ctx, id.UUID, err)
	})
	return id, err
}

func (c *heldConnection) closeConnection() {
	if c.conn == nil {
		return
	}
	_ = c.conn.Close()
	c.conn = nil
}
