package postgresql
import ("testing";"os";"github.com/stretchr/testify/require";"github.com/otel-sessionlog/sessionlog/session";"go.opentelemetry.io/collector/component/componenttest";"time";"fmt")
func TestZZ(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Endpoints = []string{"127.0.0.1:55432"}
	cfg.Username, cfg.Database = "postgres", "postgres"
	cfg.Schema = os.Getenv("ZZ")
	s := &store{cfg: cfg, log: componenttest.NewNopTelemetrySettings().Logger}
	c, err := s.connect(t.Context()); require.NoError(t, err)
	exec(t.Context(), c, "DROP SCHEMA IF EXISTS "+cfg.Schema+" CASCADE; CREATE SCHEMA "+cfg.Schema)
	st := newStore(t, cfg); require.NoError(t, st.Start(t.Context())); defer stopStore(t, st)
	require.NoError(t, exec(t.Context(), c, "SET search_path TO "+cfg.Schema+"; CREATE TABLE plain (ordinal integer, LIKE session_events)"))
	batch := newCopyBatch("COPY plain (ordinal, " + columnNames("") + ") FROM STDIN (FORMAT binary)")
	typical(0, 100000)(func(i int, e *session.Event) bool { return add(batch, int32(i), e) == "" })
	require.NoError(t, batch.send(t.Context(), c))
	run := func(what, sql string) { b := time.Now(); require.NoError(t, exec(t.Context(), c, sql)); fmt.Println(what, time.Since(b)) }
	n := columnNames("")
	run("warm", "SELECT count(*) FROM plain")
	run("heap", "CREATE TABLE h (LIKE session_events); INSERT INTO h SELECT "+n+" FROM plain")
	run("heap+pk", "CREATE TABLE hp (LIKE session_events, PRIMARY KEY(record_id)); INSERT INTO hp SELECT "+n+" FROM plain")
	run("heap+pk+conflict", "CREATE TABLE hpc (LIKE session_events, PRIMARY KEY(record_id)); INSERT INTO hpc SELECT "+n+" FROM plain ON CONFLICT DO NOTHING")
	for _, ix := range []string{"USING brin (time)", "USING brin (user_name text_bloom_ops)", "USING brin (client_address text_bloom_ops)", "USING brin (session_key uuid_bloom_ops)", "(trace_id) WHERE trace_id IS NOT NULL", "USING btree (time)"} {
		exec(t.Context(), c, "DROP TABLE IF EXISTS hi")
		run("heap + "+ix, "CREATE TABLE hi (LIKE session_events); CREATE INDEX ON hi "+ix+"; INSERT INTO hi SELECT "+n+" FROM plain")
	}
	run("session_events", "INSERT INTO session_events SELECT "+n+" FROM plain ON CONFLICT DO NOTHING")
	run("temp", "CREATE TEMP TABLE x (LIKE plain)")
	run("temp insert", "INSERT INTO x SELECT * FROM plain")
	run("temp truncate", "TRUNCATE x")
}
