package configpostgresql

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// ApplicationName is shown in pg_stat_activity and in the server's log.
const ApplicationName = "sessionlog"

// CloseWithin logs out, so that the server's log has a logout, and waits no longer than that. A connection that was closed while it answered still has the driver
// tell the server so.
func CloseWithin(conn *pgconn.PgConn, limit time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	_ = conn.Close(ctx)
	select {
	case <-conn.CleanupDone():
	case <-ctx.Done():
	}
}

// Options of a component's connections.
type Options struct {
	// Writes skips endpoints that take no writes, such as standbys. Redshift does not support the query for it.
	Writes bool
	// Parameters are run-time parameters for the session, such as search_path.
	Parameters map[string]string
	// ReadBuffer is how many bytes are read from the network at once; 0 is the driver's default, 8 KiB. Readers of large results
	// set more: a call for each 8 KiB costs as much as the decoding.
	ReadBuffer int
}

// Connect logs in at the first endpoint that accepts it. The connection is pgx's low-level one: statements go over the simple
// protocol and results come as text, which PostgreSQL and Redshift have in common.
func (c ClientConfig) Connect(ctx context.Context, o Options) (*pgconn.PgConn, error) {
	if !c.IAM.HasValue() {
		return c.connectByPassword(ctx, o)
	}
	var errs []error
	for i, text := range c.Endpoints { // one by one: a password of RDS is of one endpoint
		to, err := parseEndpoint(text)
		if err != nil {
			return nil, fmt.Errorf("endpoints[%d]: %w", i, err)
		}
		one, err := c.withIAMPassword(ctx, to)
		if err != nil {
			return nil, err
		}
		one.Endpoints = []string{text}
		conn, err := one.connectByPassword(ctx, o)
		if err == nil {
			return conn, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

func (c ClientConfig) connectByPassword(ctx context.Context, o Options) (*pgconn.PgConn, error) {
	cfg, err := c.driverConfig(ctx, o)
	if err != nil {
		return nil, err
	}
	conn, err := pgconn.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, ExplainError(err)
	}
	// Redshift calls UTF-8 by PostgreSQL's old name.
	if encoding := conn.ParameterStatus("client_encoding"); encoding != "UTF8" && encoding != "UNICODE" && encoding != "" {
		closeConnection(conn)
		return nil, fmt.Errorf("the server speaks %s although asked for UTF-8: its database needs another encoding", encoding)
	}
	return conn, nil
}

func (c ClientConfig) driverConfig(ctx context.Context, o Options) (*pgconn.Config, error) {
	// Everything is named that ParseConfig would take from the environment and from files of the home folder.
	cfg, err := pgconn.ParseConfig("host=localhost port=5432 user=none password=none dbname=none sslmode=disable" +
		" passfile='' connect_timeout=0 target_session_attrs=any min_protocol_version=3.0 max_protocol_version=3.0" +
		" channel_binding=prefer require_auth='' sslcertmode=allow sslnegotiation=postgres")
	if err != nil {
		return nil, err
	}
	cfg.User, cfg.Password, cfg.Database = c.Username, string(c.Password), c.Database
	cfg.KerberosSrvName, cfg.KerberosSpn = "", ""
	if c.refusesCleartext() {
		cfg.RequireAuth = requireAuthNoCleartext
	}
	cfg.ConnectTimeout = c.DialTimeout
	cfg.DialFunc = (&net.Dialer{Timeout: c.DialTimeout, KeepAlive: 15 * time.Second}).DialContext
	cfg.RuntimeParams = map[string]string{"application_name": ApplicationName, "client_encoding": "UTF8"}
	maps.Copy(cfg.RuntimeParams, o.Parameters)
	if o.ReadBuffer > 0 {
		cfg.BuildFrontend = func(r io.Reader, w io.Writer) *pgproto3.Frontend {
			return pgproto3.NewFrontend(bufio.NewReaderSize(r, o.ReadBuffer), w)
		}
	}
	cfg.ValidateConnect = nil
	if o.Writes {
		cfg.ValidateConnect = requireWrites
	}
	return cfg, c.addEndpoints(ctx, cfg)
}

func requireWrites(ctx context.Context, conn *pgconn.PgConn) error {
	err := pgconn.ValidateConnectTargetSessionAttrsReadWrite(ctx, conn)
	if err != nil && ctx.Err() == nil && !conn.IsClosed() {
		return fmt.Errorf("%w: %w", ErrReadOnly, err)
	}
	return err
}

func (c ClientConfig) addEndpoints(ctx context.Context, cfg *pgconn.Config) error {
	var encryption *tls.Config
	if c.TLS.HasValue() {
		var err error
		if encryption, err = c.TLS.Get().LoadTLSConfig(ctx); err != nil {
			return fmt.Errorf("tls: %w", err)
		}
	}
	var all []*pgconn.FallbackConfig
	for i, text := range c.Endpoints {
		e, err := parseEndpoint(text)
		if err != nil {
			return fmt.Errorf("endpoints[%d]: %w", i, err)
		}
		fallback := &pgconn.FallbackConfig{Host: e.host, Port: e.port}
		if encryption != nil && !e.isUnixSocket() {
			fallback.TLSConfig = encryption.Clone()
			if fallback.TLSConfig.ServerName == "" {
				fallback.TLSConfig.ServerName = e.host
			}
		}
		all = append(all, fallback)
	}
	if len(all) == 0 {
		return fmt.Errorf("endpoints: none given")
	}
	cfg.Host, cfg.Port, cfg.TLSConfig, cfg.Fallbacks = all[0].Host, all[0].Port, all[0].TLSConfig, all[1:]
	return nil
}

func closeConnection(conn *pgconn.PgConn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = conn.Close(ctx)
}
