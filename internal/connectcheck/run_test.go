package connectcheck

import (
	"bytes"
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

// found is a configuration whose check finds this.
type found []Finding

func (f found) CheckConnection(context.Context) []Finding { return f }

func TestRunWritesWhatIsMissingAndWhatMendsIt(t *testing.T) {
	var out bytes.Buffer
	require.False(t, Run(t.Context(), &out, []Component{
		{"receiver sessionlog/ch", found{
			{OK: true, Subject: "login", Detail: "as audit on ch-1:9000"},
			{Subject: "grant SELECT", Detail: "audit may not read system.session_log", Key: "clickhouse::username", Remedy: "GRANT SELECT ON system.session_log TO audit"},
		}},
		{"receiver sessionlog/f", found{}},
		{"receiver sessionlog/old", found{{OK: true, Warning: true, Subject: "newest line", Detail: "of 2020", Key: "include", Remedy: "see whether it is written"}}},
		{"receiver otlp", struct{}{}},
		{"exporter debug", struct{}{}},
	}))
	require.Equal(t, `receiver sessionlog/ch
  ok       login: as audit on ch-1:9000
  missing  grant SELECT: audit may not read system.session_log (key clickhouse::username)
           GRANT SELECT ON system.session_log TO audit
receiver sessionlog/f
  nothing of it can be tried yet
receiver sessionlog/old
  warning  newest line: of 2020 (key include)
           see whether it is written
not tried, only components of sessionlog can be: receiver otlp, exporter debug
`, out.String())
	require.True(t, Run(t.Context(), &out, []Component{{"receiver sessionlog/old", found{{OK: true, Warning: true}}}}), "a warning is no failure")
	out.Reset()
	require.True(t, Run(t.Context(), &out, []Component{{"exporter sessionlog", found{{OK: true, Subject: "login"}}}}))
}

func TestKeysBelowABlock(t *testing.T) {
	require.Equal(t, []Finding{{Subject: "login", Key: "clickhouse::password"}, {Subject: "tls", Key: "clickhouse::tls"}, {Subject: "zone"}},
		CheckBlock(t.Context(), "clickhouse", found{{Subject: "login", Key: "password"}, {Subject: "tls", Key: "clickhouse::tls"}, {Subject: "zone"}}))
	require.Nil(t, CheckBlock(t.Context(), "sqlite", struct{}{}))
}
