package testengine

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestStartsAndAnswers(t *testing.T) {
	s := ClickHouse(t)
	require.Equal(t, [][]string{{"2", "ᴺᵁᴸᴸ"}}, s.Query(t, "SELECT 1 + 1, NULL"))
	s.FlushLogs(t)
	rows := s.Query(t, "SELECT name FROM system.tables WHERE database = 'system' AND name IN ('session_log', 'query_log', 'opentelemetry_span_log') ORDER BY name")
	require.Equal(t, [][]string{{"opentelemetry_span_log"}, {"query_log"}, {"session_log"}}, rows)
}
