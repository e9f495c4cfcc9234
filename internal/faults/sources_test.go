package faults

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/receiver/source/awslogs/awslogstest"
	"github.com/otel-sessionlog/sessionlog/receiver/source/postgresql"
	"github.com/otel-sessionlog/sessionlog/testengine"
	"github.com/otel-sessionlog/sessionlog/testengine/cloudwatch"
	"github.com/otel-sessionlog/sessionlog/testengine/logins"
	pgengine "github.com/otel-sessionlog/sessionlog/testengine/postgresql"
	pgserver "github.com/otel-sessionlog/sessionlog/testengine/postgresql/server"
	"github.com/otel-sessionlog/sessionlog/testengine/redshift"
	"github.com/otel-sessionlog/sessionlog/testengine/s3"
	"github.com/otel-sessionlog/sessionlog/testengine/server"
)

// servers are shared by all runs, and started by the first that needs them.
type servers struct {
	clickhouse func() *testengine.Server
	postgresql func() *pgengine.Server
	redshift   func() *redshift.Server
	cloudwatch func() *cloudwatch.Server
	s3         func() *s3.Server
}

func newServers(t *testing.T) *servers {
	return &servers{
		clickhouse: sync.OnceValue(func() *testengine.Server {
			return testengine.ClickHouse(t, testengine.FlushInterval(250*time.Millisecond))
		}),
		postgresql: sync.OnceValue(func() *pgengine.Server {
			s := pgengine.Start(t, pgengine.Setting("fsync", "off"), pgengine.LogFormats(pgserver.JSONLog))
			s.ExecIn(t, pgserver.AppDB, postgresql.InstallSQL)
			s.Exec(t, "GRANT sessionlog_logs TO "+pgserver.Audit.Name)
			return s
		}),
		redshift: sync.OnceValue(func() *redshift.Server {
			s := redshift.Start(t, redshift.WideDuration(), redshift.PostgreSQL(pgengine.Setting("fsync", "off")))
			s.Exec(t, "GRANT SELECT ON sys_connection_log TO "+redshift.Collector.Name)
			return s
		}),
		cloudwatch: sync.OnceValue(func() *cloudwatch.Server { return cloudwatch.Start(t) }),
		s3:         sync.OnceValue(func() *s3.Server { return s3.Start(t) }),
	}
}

// feed is where the events of a run arrive.
type feed interface {
	// block is the source's configuration.
	block() string
	// add makes event i arrive, or fails when ctx ends.
	add(ctx context.Context, i int) error
	// ledger has the rows that the table must have in the end.
	ledger(t *testing.T) []row
}

// row is one event as table and ledger tell it: cells with | between.
type row string

func eventRow(user, kind, outcome, word string, micros int64, address string, port int) row {
	return row(fmt.Sprintf("%s|%s|%s|%s|%d|%s|%d", user, kind, outcome, word, micros, address, port))
}

func newFeed(t *testing.T, p *plan, s *servers, dir string) (feed, *wire) {
	t.Helper()
	begin := time.Now().UTC().Truncate(time.Microsecond)
	known := &knownRows{plan: p, begin: begin}
	switch p.source {
	case "file":
		f := &fileFeed{knownRows: known, dir: filepath.Join(t.TempDir(), "in")}
		require.NoError(t, os.Mkdir(f.dir, 0o700))
		return f, nil
	case "http", "otlp":
		return &pushFeed{knownRows: known, address: freeAddress(t), dice: newDice(p)}, nil
	case "redshift":
		s := s.redshift()
		s.Exec(t, "TRUNCATE pg_catalog.sys_connection_log")
		w := newWire(t, s.Address)
		writer, err := pgx.Connect(t.Context(), s.PostgreSQL.DSN(pgserver.Admin.Name, pgserver.Admin.Password, redshift.Database))
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, writer.Close(context.Background())) })
		return &redshiftFeed{knownRows: known, writer: writer, via: w.address()}, w
	case "clickhouse":
		s := s.clickhouse()
		w := newWire(t, s.Native)
		f := &clickhouseFeed{plan: p, server: s, via: w.address(), begin: begin, client: logins.New(s.Native, s.HTTP)}
		t.Cleanup(f.client.Close)
		return f, w
	case "cloudwatch":
		awslogstest.SetCredentials(t)
		s := s.cloudwatch()
		s.AddGroup(logGroup)
		w := newWire(t, hostOf(s.URL))
		return &cloudwatchFeed{knownRows: known, server: s, via: w.address()}, w
	case "s3":
		awslogstest.SetCredentials(t)
		s := s.s3()
		s.AddBucket(auditBucket)
		w := newWire(t, hostOf(s.URL))
		return &s3Feed{knownRows: known, server: s, via: w.address()}, w
	default:
		s := s.postgresql()
		w := newWire(t, s.Address)
		s.Exec(t, `CREATE ROLE "`+p.prefix()+`ok" LOGIN PASSWORD 'right'`)
		return &postgresqlFeed{plan: p, server: s, via: w.address()}, w
	}
}

// knownRows is the ledger of feeds whose events are of their own making.
type knownRows struct {
	plan  *plan
	begin time.Time

	mu   sync.Mutex
	rows []row
}

func (k *knownRows) note(r row) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.rows = append(k.rows, r)
}

func (k *knownRows) ledger(*testing.T) []row { return k.rows }

func (k *knownRows) user(i int) string { return fmt.Sprintf("%s%d", k.plan.prefix(), i) }

// at is the time of event i; every fifth shares its time with the one before.
func (k *knownRows) at(i int) time.Time {
	if i%5 == 4 {
		i--
	}
	return k.begin.Add(time.Duration(i) * time.Millisecond)
}

// fileFeed appends to an export of session_log, now and then half a line first.
type fileFeed struct {
	*knownRows
	dir     string
	rotated int
	file    *os.File
}

func (f *fileFeed) block() string {
	return "file: {include: ['" + f.dir + "/*.jsonl'], timezone: UTC, poll_interval: 50ms}"
}

func (f *fileFeed) add(_ context.Context, i int) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file == nil {
		var err error
		if f.file, err = os.OpenFile(filepath.Join(f.dir, "export.jsonl"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
			return err
		}
	}
	kinds := [][3]string{{"LoginSuccess", "login", "success"}, {"LoginFailure", "login", "failure"}, {"Logout", "logout", "success"}}
	k, at, address, port := kinds[i%3], f.at(i), fmt.Sprintf("10.0.%d.%d", i%7, i%250), 1024+i
	line, err := json.Marshal(map[string]any{
		"hostname": "ch-0", "type": k[0], "auth_id": uuid.NewSHA1(uuid.Nil, []byte(f.user(i))).String(), "session_id": "",
		"event_date": at.Format(time.DateOnly), "event_time": at.Format(time.DateTime), "event_time_microseconds": at.Format("2006-01-02 15:04:05.000000"),
		"user": f.user(i), "auth_type": "NO_PASSWORD", "client_address": "::ffff:" + address, "client_port": port, "interface": "TCP",
	})
	if err != nil {
		return err
	}
	line = append(line, '\n')
	half := 0
	if i%10 == 3 {
		half = len(line) / 2
		if _, err := f.file.Write(line[:half]); err != nil {
			return err
		}
		time.Sleep(60 * time.Millisecond)
	}
	if _, err := f.file.Write(line[half:]); err != nil {
		return err
	}
	f.rows = append(f.rows, eventRow(f.user(i), k[1], k[2], k[0], at.UnixMicro(), address, port))
	return nil
}

// rotate renames the file as logrotate does; the next event begins a new one.
func (f *fileFeed) rotate(t *testing.T) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file == nil {
		return
	}
	f.rotated++
	require.NoError(t, f.file.Close())
	require.NoError(t, os.Rename(filepath.Join(f.dir, "export.jsonl"), filepath.Join(f.dir, fmt.Sprintf("export-%d.jsonl", f.rotated))))
	f.file = nil
}

// pushFeed sends each event until it is answered with 2xx, sometimes leaving before the answer.
type pushFeed struct {
	*knownRows
	address string
	dice    *lockedDice
}

func (f *pushFeed) block() string {
	return fmt.Sprintf("http: {endpoint: %q, delivery_timeout: 2s}", f.address)
}

func (f *pushFeed) add(ctx context.Context, i int) error {
	at, address, port, outcome := f.at(i), fmt.Sprintf("10.1.%d.%d", i%7, i%250), 1024+i, []string{"success", "failure"}[i%2]
	attributes := map[string]any{
		"sessionlog.outcome": outcome, "user.name": f.user(i), "sessionlog.source.event": "pushed", "client.address": address,
		"client.port": port, "log.record.uid": uuid.NewSHA1(uuid.Nil, []byte(f.user(i))).String(),
	}
	path, kind, body := "/v1/events", "application/json", ownEvent(attributes, at)
	if f.plan.source == "otlp" {
		path, body = "/v1/logs", otlpRequest(attributes, at)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: i%2 == 0}}
	defer client.CloseIdleConnections()
	for {
		limit := 10 * time.Second
		if f.dice.intN(20) == 0 {
			limit = time.Duration(1+f.dice.intN(30)) * time.Millisecond
		}
		if postOnce(ctx, client, "http://"+f.address+path, kind, body, limit) {
			f.note(eventRow(f.user(i), "login", outcome, "pushed", at.UnixMicro(), address, port))
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("event %d: %w", i, ctx.Err())
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func ownEvent(attributes map[string]any, at time.Time) string {
	event := map[string]any{"event_name": "sessionlog.login", "timestamp": at.UnixNano(), "service.name": "shop"}
	for key, value := range attributes {
		event[key] = value
	}
	text, _ := json.Marshal(event) // texts and numbers
	return string(text)
}

func otlpRequest(attributes map[string]any, at time.Time) string {
	var list []any
	for key, value := range attributes {
		typed := map[string]any{"stringValue": value}
		if n, ok := value.(int); ok {
			typed = map[string]any{"intValue": fmt.Sprint(n)}
		}
		list = append(list, map[string]any{"key": key, "value": typed})
	}
	service := map[string]any{"key": "service.name", "value": map[string]any{"stringValue": "shop"}}
	record := map[string]any{"timeUnixNano": fmt.Sprint(at.UnixNano()), "eventName": "sessionlog.login", "attributes": list}
	text, _ := json.Marshal(map[string]any{"resourceLogs": []any{map[string]any{
		"resource": map[string]any{"attributes": []any{service}}, "scopeLogs": []any{map[string]any{"logRecords": []any{record}}},
	}}})
	return string(text)
}

func postOnce(ctx context.Context, client *http.Client, url, kind, body string, limit time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return false
	}
	req.Header.Set("Content-Type", kind)
	resp, err := client.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode/100 == 2
}

// redshiftFeed inserts into the stand-in's SYS_CONNECTION_LOG; every tenth row is three minutes late.
type redshiftFeed struct {
	*knownRows
	writer *pgx.Conn
	via    string
}

func (f *redshiftFeed) block() string {
	return fmt.Sprintf("redshift: {endpoints: ['redshift://%s'], username: %s, password: %s, database: %s, table: sys_connection_log, "+
		"collection_interval: 50ms, reconcile_interval: 1s, batch_size: 20}", f.via, redshift.Collector.Name, redshift.Collector.Password, redshift.Database)
}

func (f *redshiftFeed) add(ctx context.Context, i int) error {
	kinds := [][3]string{{"authenticated", "login", "success"}, {"authentication failure", "login", "failure"}, {"disconnecting session", "logout", "success"}}
	k, at, address, port := kinds[i%3], f.at(i), fmt.Sprintf("10.2.%d.%d", i%7, i%250), 1024+i
	if i%10 == 7 {
		at = at.Add(-3 * time.Minute)
	}
	_, err := f.writer.Exec(ctx, fmt.Sprintf(`INSERT INTO pg_catalog.sys_connection_log (event, record_time, remote_host, remote_port, session_id,
		database_name, user_name, auth_method, duration, protocol_version) VALUES ('%s', '%s', '%s', '%d', %d, 'dev', '%s', 'password', 0, 3)`,
		k[0], at.Format("2006-01-02 15:04:05.000000"), address, port, i, f.user(i)))
	if err == nil {
		f.note(eventRow(f.user(i), k[1], k[2], k[0], at.UnixMicro(), address, port))
	}
	return err
}

// clickhouseFeed logs in; what the server's session_log says of it is the ledger.
type clickhouseFeed struct {
	plan   *plan
	server *testengine.Server
	via    string
	begin  time.Time
	client *logins.Client
}

func (f *clickhouseFeed) block() string {
	return fmt.Sprintf("clickhouse: {endpoints: ['clickhouse://%s'], username: %s, password: %s, collection_interval: 100ms, reconcile_interval: 1s, "+
		"batch_size: 20, initial: '%s'}", f.via, server.Audit.Name, server.Audit.Password, f.begin.Add(-time.Minute).Format(time.RFC3339))
}

func (f *clickhouseFeed) add(ctx context.Context, i int) error {
	a := logins.Attempt{User: fmt.Sprintf("%s%d", f.plan.prefix(), i), Password: "wrong", Protocol: logins.Protocol(i % 2)}
	if i%3 == 0 {
		a.User, a.Password = server.Alice.Name, server.Alice.Password
	}
	_, err := f.client.Login(ctx, a)
	return err
}

func (f *clickhouseFeed) ledger(t *testing.T) (rows []row) {
	t.Helper()
	f.server.FlushLogs(t)
	for _, r := range f.server.Query(t, `SELECT user, type = 'Logout' ? 'logout' : 'login', type = 'LoginFailure' ? 'failure' : 'success', type,
		toUnixTimestamp64Micro(event_time_microseconds), replaceOne(toString(client_address), '::ffff:', ''), client_port
		FROM system.session_log WHERE startsWith(user, '`+f.plan.prefix()+`') OR user = '`+server.Alice.Name+`'`) {
		rows = append(rows, row(strings.Join(r, "|")))
	}
	return rows
}

// postgresqlFeed logs in; the server alone knows the times.
type postgresqlFeed struct {
	plan   *plan
	server *pgengine.Server
	via    string

	mu   sync.Mutex
	rows []row
}

func (f *postgresqlFeed) block() string {
	return fmt.Sprintf("postgresql: {endpoints: ['%s'], username: %s, password: %s, database: %s, collection_interval: 50ms, undecided_after: 1s, batch_size: 20}",
		f.via, pgserver.Audit.Name, pgserver.Audit.Password, pgserver.AppDB)
}

func (f *postgresqlFeed) add(ctx context.Context, i int) error {
	user, password := fmt.Sprintf("%s%d", f.plan.prefix(), i), "wrong"
	if i%3 == 0 {
		user, password = f.plan.prefix()+"ok", "right"
	}
	conn, err := pgx.Connect(ctx, f.server.DSN(user, password, pgserver.AppDB))
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		if i%3 == 0 {
			return err
		}
		f.rows = append(f.rows, row(user+"|login|failure"))
		return nil
	}
	f.rows = append(f.rows, row(user+"|login|success"), row(user+"|logout|success"))
	return conn.Close(ctx)
}

func (f *postgresqlFeed) ledger(*testing.T) []row { return f.rows }

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}
