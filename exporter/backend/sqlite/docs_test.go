package sqlite

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSchemaDoc holds docs/schema.md against the schema: the same tables and columns, in the same order, of the same types.
func TestSchemaDoc(t *testing.T) {
	doc, err := os.ReadFile("../../../docs/schema.md")
	require.NoError(t, err)
	cfg := testConfig(t)
	startStore(t, cfg)
	names := file{cfg}.Query(t, "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite%' AND name NOT LIKE 'sessionlog%' AND name NOT LIKE 'session_events_%'")
	for _, n := range names.Cells {
		documented := documentedColumns(t, string(doc), n[0])
		actual := file{cfg}.Query(t, "SELECT name FROM pragma_table_info('"+n[0]+"')").Cells
		if n[0] == "session_conflicts" { // only what it has beyond session_events
			documented = append([][]string{{"arrival"}}, append(documented, documentedColumns(t, string(doc), "session_events")[1:]...)...)
		}
		require.Len(t, documented, len(actual), n[0])
		for i := range actual {
			require.Equal(t, actual[i][0], documented[i][0], n[0])
		}
	}
	require.Len(t, regexp.MustCompile(`(?m)^## s`).FindAllString(string(doc), -1), len(names.Cells), "a section for each table and view, no other")

	types := file{cfg}.Query(t, "SELECT name, type FROM pragma_table_info('session_events')").Cells
	require.Equal(t, types, documentedColumns(t, string(doc), "session_events"))
}

// documentedColumns are name and type of each row of a section's table.
func documentedColumns(t *testing.T, doc, section string) (rows [][]string) {
	_, text, found := strings.Cut(doc, "\n## "+section+"\n")
	require.True(t, found, "docs/schema.md has no section %s", section)
	text, _, _ = strings.Cut(text, "\n## ")
	for _, m := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\| (\\w+) \\|").FindAllStringSubmatch(text, -1) {
		rows = append(rows, m[1:])
	}
	return rows
}

// TestSchemaDocQueries runs the questions of docs/schema.md.
func TestSchemaDocQueries(t *testing.T) {
	doc, err := os.ReadFile("../../../docs/schema.md")
	require.NoError(t, err)
	cfg := testConfig(t)
	s := startStore(t, cfg)
	_, err = s.Write(t.Context(), typical(0, 200))
	require.NoError(t, err)
	queries := regexp.MustCompile("(?s)```sql\n(.*?)```").FindAllStringSubmatch(string(doc), -1)
	require.Greater(t, len(queries), 5)
	for _, q := range queries {
		rows := file{cfg}.Query(t, q[1])
		require.NotEmpty(t, rows.Columns, q[1])
	}
}
