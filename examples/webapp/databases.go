package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/jackc/pgx/v5"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// databases are those that a login goes through.
type databases struct {
	clickhouse string // URL of its HTTP interface
	postgres   string // connection URL of the application's account; may be empty
	tracer     trace.Tracer
}

var errWrongPassword = errors.New("wrong user or password")

// check logs into ClickHouse as the user, and then into PostgreSQL as the application.
func (d databases) check(ctx context.Context, user, password string) error {
	if err := d.spanned(ctx, "clickhouse", func(ctx context.Context) error { return d.loginClickHouse(ctx, user, password) }); err != nil {
		return err
	}
	if d.postgres == "" {
		return nil
	}
	return d.spanned(ctx, "postgresql", d.loginPostgreSQL)
}

// spanned runs f within a client's span of a database.
func (d databases) spanned(ctx context.Context, system string, f func(context.Context) error) error {
	ctx, span := d.tracer.Start(ctx, "login "+system, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(semconv.DBSystemNameKey.String(system)))
	defer span.End()
	err := f(ctx)
	if err != nil {
		span.SetStatus(codes.Error, err.Error())
	}
	return err
}

// loginClickHouse runs a query as the user. ClickHouse takes the trace from the header traceparent, and runs the query under it.
func (d databases) loginClickHouse(ctx context.Context, user, password string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, d.clickhouse, strings.NewReader("SELECT 1"))
	if err != nil {
		return err
	}
	if user == "" || strings.Contains(user, ":") {
		return errWrongPassword // nobody is ClickHouse's "default", which may need no password; and Basic ends a name at its colon
	}
	request.SetBasicAuth(user, password) // byte for byte, where a header would be trimmed, or refused for a line break
	propagation.TraceContext{}.Inject(ctx, propagation.HeaderCarrier(request.Header))
	request.Close = true // the next user is another one
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return errors.New("clickhouse does not answer")
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
	switch response.StatusCode {
	case http.StatusOK:
		return nil
	case http.StatusForbidden, http.StatusUnauthorized:
		return errWrongPassword
	}
	return fmt.Errorf("clickhouse answers with status %d", response.StatusCode)
}

// loginPostgreSQL opens a connection. PostgreSQL knows no traces: the span tells the client's address and port, which stand in the
// server's log, and the connector sessiontrace ties the two.
func (d databases) loginPostgreSQL(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, d.postgres)
	if err != nil {
		return errors.New("postgresql does not let the application in")
	}
	defer func() { _ = conn.Close(ctx) }()
	if local, ok := conn.PgConn().Conn().LocalAddr().(*net.TCPAddr); ok {
		trace.SpanFromContext(ctx).SetAttributes(attribute.String("network.local.address", local.IP.String()), attribute.Int("network.local.port", local.Port))
	}
	return conn.Ping(ctx)
}
