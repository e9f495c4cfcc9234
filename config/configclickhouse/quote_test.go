package configclickhouse_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
	"github.com/otel-sessionlog/sessionlog/testengine"
)

// TestIdentifiersPaste: the server understands a name as it is spelled for an operator, whatever it is: it looks for the account.
func TestIdentifiersPaste(t *testing.T) {
	s := quiet.Get(t)
	for _, name := range []string{
		`o'brien-"x"`, "back`tick", `back\slash`, "Nobody", "a b", "1st", "jürgen", "all", "ANY", "none", "current_user", "select", "to", "on", "user", "identified", "except",
	} {
		for statement, answer := range map[string]string{
			"GRANT SELECT ON " + configclickhouse.QuoteIdentifierIfNeeded(name) + ".* TO " + configclickhouse.AccountName(name): "Code: 511.*There is no role ",
			"ALTER USER " + configclickhouse.AccountName(name) + " IDENTIFIED BY 'p'":                                           "Code: (192|497).* ", // no such user, or no right
		} {
			_, err := s.TryQuery(t.Context(), statement)
			require.Error(t, err)
			require.Regexp(t, answer, err.Error(), statement)
			require.ErrorContains(t, err, " "+serverSpells(t, s, name), statement)
		}
	}
	require.Equal(t, "default", configclickhouse.AccountName(""))
	require.Equal(t, "audit", configclickhouse.AccountName("audit"), "a name that needs no quotes has none, for log lines escape them")
	require.Equal(t, [][]string{{"1"}}, s.Query(t, "SELECT 1 AS "+configclickhouse.QuoteIdentifier("o'b`r\\ien")+" WHERE "+
		configclickhouse.QuoteText(`o'b\`)+" = concat('o', char(39), 'b', char(92))"))
}

// serverSpells is a name as the server's errors have it.
func serverSpells(t *testing.T, s *testengine.Server, name string) string {
	return strings.TrimSuffix(strings.TrimPrefix(s.Query(t, "SELECT formatQuerySingleLine("+configclickhouse.QuoteText("DROP USER "+configclickhouse.QuoteIdentifier(name))+")")[0][0], "DROP USER "), ";")
}
