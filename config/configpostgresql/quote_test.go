package configpostgresql_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/config/configpostgresql"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql"
)

// TestIdentifiersPaste: a server takes a name as it is spelled for an operator, whatever it is.
func TestIdentifiersPaste(t *testing.T) {
	pg := postgresql.Start(t, postgresql.Version(18))
	names := []string{`o'brien-"x"`, "Alice", "a b", "1st", `back\slash`, "jürgen", "a$b"}
	for _, row := range pg.Query(t, "SELECT word FROM pg_get_keywords() WHERE catcode IN ('R', 'T')") {
		names = append(names, row[0])
	}
	require.Greater(t, len(names), 100)
	var all strings.Builder
	for _, name := range names {
		spelled := configpostgresql.QuoteIdentifierIfNeeded(name)
		all.WriteString(strings.ReplaceAll("CREATE ROLE NAME; ALTER ROLE NAME PASSWORD 'p'; GRANT CONNECT ON DATABASE postgres TO NAME; "+
			"CREATE SCHEMA NAME AUTHORIZATION NAME;\n", "NAME", spelled))
	}
	pg.Exec(t, all.String())
	var there []string
	for _, row := range pg.Query(t, "SELECT nspname FROM pg_namespace JOIN pg_roles ON nspname = rolname") {
		there = append(there, row[0])
	}
	require.ElementsMatch(t, names, there)
	require.Equal(t, "…", configpostgresql.QuoteIdentifierIfNeeded(""))
	require.Equal(t, "audit", configpostgresql.QuoteIdentifierIfNeeded("audit"), "a name that needs no quotes has none, for log lines escape them")
	require.Equal(t, `"backup"`, configpostgresql.QuoteIdentifierIfNeeded("backup"), "reserved by Redshift")
}
