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
		{"receiver otlp", struct{}{}},
		{"exporter debug", struct{}{}},
	}))
	require.Equal(t, `receiver sessionlog/ch
  ok       login: as audit on ch-1:9000
  missing  grant SELECT: audit may not read system.session_log (key clickhouse::username)
           GRANT SELECT ON system.session_log TO audit
receiver sessionlog/f
  nothing of it can be tried yet
not tried, only components of sessionlog can be: receiver otlp, exporter debug
`, out.String())
	out.Reset()
	require.True(t, Run(t.Context(), &out, []Component{{"exporter sessionlog", found{{OK: true, Subject: "login"}}}}))
}

func TestKeysBelowABlock(t *testing.T) {
	require.Equal(t, []Finding{{Subject: "login", Key: "clickhouse::password"}, {Subject: "tls", Key: "clickhouse::tls"}, {Subject: "zone"}},
		CheckBlock(t.Context(), "clickhouse", found{{Subject: "login", Key: "password"}, {Subject: "tls", Key: "clickhouse::tls"}, {Subject: "zone"}}))
	require.Nil(t, CheckBlock(t.Context(), "sqlite", struct{}{}))
}
