// Package archtest holds the shape of the code: which folder may import which.
package archtest

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/otel-sessionlog/sessionlog/"

// rules are read from the top; the first whose prefix fits a package says what of this module it may import.
var rules = []struct {
	prefix string
	may    []string
	why    string
}{
	{"session/plogs", []string{"session"}, "the mapping knows the event and pdata"},
	{"session/sessiontest", []string{"session"}, ""},
	{"session/deadletter", nil, "shared by receiver, exporter and SDK, knows none of them"},
	{"session", nil, "the middle imports the standard library only"},
	{"internal/conditionlog", nil, "shared by whatever runs inside a collector"},
	{"internal/connectcheck", nil, "shared by whatever runs inside a collector"},
	{"internal/strictconfig", nil, "shared by whatever runs inside a collector"},
	{"internal/loopbackhost", nil, "shared by whatever runs inside a collector"},
	{"internal/writesize", nil, "shared by whatever runs inside a collector"},
	{"internal/workfigures", nil, "shared by whatever runs inside a collector"},
	{"internal/droppingwriter", nil, "shared by whatever runs inside a collector"},
	{"internal/redaction", []string{"session"}, "shared by receiver and exporter, knows neither"},
	{"internal/statementnames", []string{"session"}, "statements have the event's names, whoever runs them"},
	{"internal/dialect", []string{"session", "internal/dialect"}, "a dialect maps texts and columns to events"},
	{"internal/jsoncolumn", []string{"session"}, "lists and maps as JSON, shared by the backends and the shapes"},
	{"internal/shape", []string{"session", "internal/jsoncolumn"}, "a shape maps events to documents, for whoever sends them"},
	{"internal/seal/sealquery", []string{"session", "query", "internal/seal"}, "seals are read from whatever can be asked"},
	{"internal/seal/verify", []string{"session", "query", "internal/seal"}, "who verifies knows no backend by name"},
	{"internal/seal/bundle", []string{"session", "query", "internal/seal"}, "a proof, and its record as text"},
	{"internal/seal", []string{"session"}, "a seal is made of events"},
	{"query/findings", []string{"session", "query"}, "who looks for findings asks by package query, and knows no backend by name"},
	{"query", []string{"session"}, "questions know the event, and no backend by name"},
	{"testengine", []string{"testengine"}, "real servers know nothing of us"},
	{"receiver/source/delivery", []string{"session", "receiver/source"}, "delivery knows the contract, and no source"},
	{"receiver/source/compression", nil, "it knows bytes"},
	{"receiver/source/overlap", nil, "it knows ids and times"},
	{"receiver/source/poll", []string{"session", "receiver/source", "receiver/source/delivery"}, ""},
	{"receiver/source/sourcetest", []string{"session", "receiver/source"}, ""},
	{"receiver/source/awslogs", []string{"session", "receiver/source", "receiver/source/delivery", "config/configaws", "internal/dialect"}, "what sources of AWS share knows none of them"},
	{"receiver/source/clickhouse", []string{"session", "receiver/source", "receiver/source/poll", "receiver/source/clickhouse/internal", "config", "internal/dialect/clickhouselog"}, "sources never import each other"},
	{"receiver/source/cloudwatch", []string{"session", "receiver/source", "receiver/source/awslogs", "receiver/source/delivery", "receiver/source/overlap", "config/configaws", "internal/dialect"}, "sources never import each other"},
	{"receiver/source/redshift", []string{"session", "receiver/source", "receiver/source/poll", "config/configpostgresql", "internal/dialect/redshiftlog"}, "sources never import each other"},
	{"receiver/source/tail", []string{"session", "receiver/source", "receiver/source/compression", "receiver/source/delivery", "internal/dialect/logformat"}, "what reads growing texts does not know what they mean"},
	{"receiver/source/file", []string{"session", "receiver/source", "receiver/source/tail", "internal/dialect"}, "sources never import each other"},
	{"receiver/source/http", []string{"session", "receiver/source", "internal/dialect/push", "internal/connectcheck"}, "sources never import each other"},
	{"receiver/source/journald", []string{"session", "receiver/source", "receiver/source/delivery", "internal/dialect"}, "sources never import each other"},
	{"receiver/source/postgresql", []string{"session", "receiver/source", "receiver/source/tail", "config/configpostgresql", "internal/dialect"}, "sources never import each other"},
	{"receiver/source/s3", []string{"session", "receiver/source", "receiver/source/awslogs", "receiver/source/compression", "receiver/source/delivery", "receiver/source/overlap", "config/configaws", "internal/dialect"}, "sources never import each other"},
	{"receiver/source", []string{"session"}, "the contract knows the event"},
	{"receiver/sessionlogfindingsreceiver", []string{"session", "query", "exporter/backendblocks", "exporter/backend/clickhouse", "exporter/backend/postgresql", "exporter/backend/sqlite"}, "it reads what backends keep, and asks by package query"},
	{"receiver", []string{"session", "receiver", "internal/redaction"}, "a receiver knows no exporter"},
	{"exporter/backend/backendtest", []string{"session", "query", "exporter/backend", "exporter/backend/migrations", "exporter/backend/erasure"}, ""},
	{"exporter/backend/sealtest", []string{"session", "query", "exporter/backend", "exporter/backend/erasure", "internal/seal", "exporter/backend/sealing"}, ""},
	{"exporter/backend/migrations", nil, "shared by the backends"},
	{"exporter/backend/pool", nil, "shared by the backends"},
	{"exporter/backend/retention", []string{"internal/conditionlog"}, "shared by the backends"},
	{"exporter/backend/sealing", []string{"session", "query", "exporter/backend", "internal/seal", "internal/conditionlog"}, "it stands between an exporter and the contract of backends"},
	{"exporter/backend/erasure", []string{"session", "query", "exporter/backend", "internal/redaction", "internal/seal", "exporter/backend/sealing"}, "who erases knows no backend by name"},
	{"exporter/backend/sqlite/sqlitetest", []string{"session", "exporter/backend", "exporter/backend/sqlite"}, ""},
	{"exporter/backend/clickhouse", []string{"session", "query", "exporter/backend", "internal/jsoncolumn", "exporter/backend/migrations", "exporter/backend/pool", "exporter/backend/retention", "internal/seal", "config/configclickhouse"}, "backends never import each other"},
	{"exporter/backend/postgresql", []string{"session", "query", "exporter/backend", "internal/jsoncolumn", "exporter/backend/migrations", "exporter/backend/pool", "exporter/backend/retention", "internal/seal", "config/configpostgresql"}, "backends never import each other"},
	{"exporter/backend/sqlite", []string{"session", "query", "exporter/backend", "internal/jsoncolumn", "exporter/backend/migrations", "exporter/backend/retention", "internal/seal"}, "backends never import each other"},
	{"exporter/backendexporter", []string{"session", "exporter/backend", "sdk/otlprecord"}, "it knows the contract, and no backend by name"},
	{"exporter/backend", []string{"session", "internal/seal"}, "the contract knows the event"},
	{"exporter/sessionlogforwardexporter", []string{"session", "exporter/backend", "exporter/sessionlogexporter", "internal/shape"}, "an exporter knows no receiver"},
	{"exporter", []string{"session", "query", "exporter", "internal/redaction"}, "an exporter knows no receiver"},
	{"processor", []string{"session", "internal/shape"}, "a processor changes what flows, and knows neither ends"},
	{"extension/sessionlogencoding", []string{"session", "internal/dialect", "internal/shape"}, "the parsers, for other receivers"},
	{"extension/sessionlogexplorer", []string{"extension/sessionlogexplorer", "session", "query", "exporter/backend", "exporter/backendblocks", "exporter/backend/clickhouse", "exporter/backend/postgresql", "exporter/backend/sqlite", "internal/seal"}, "it reads what backends keep, and asks by package query"},
	{"extension", nil, "extensions see configurations, not components"},
	{"sdk/internal", []string{"session", "sdk/internal"}, ""},
	{"sdk/otlprecord", []string{"session"}, ""},
	{"sdk/spool", []string{"session", "sdk/internal", "sdk/otlprecord"}, "a processor knows exporters of the SDK, and none of them by name"},
	{"sdk/blocking", []string{"session", "sdk/internal", "sdk/otlprecord"}, "a processor knows exporters of the SDK, and none of them by name"},
	{"sdk/sessionhttp", []string{"session", "sdk"}, ""},
	{"sdk", []string{"session", "sdk/internal/receipt"}, "whoever only tells of logins needs the logs API only"},
	{"connector", []string{"session"}, "a connector sees what flows, not who sends or keeps it"},
	{"config/configpostgresql", []string{"config/configaws"}, "passwords may come from AWS"},
	{"config", nil, "shared connection blocks"},
	{"cmd/sessionlog/internal/printing", []string{"session", "query"}, "it shows answers, whoever gives them"},
	{"cmd/sessionlog/internal/fileimport", []string{"cmd/sessionlog/internal/printing", "receiver", "exporter"}, "an import is receiver and exporter, joined directly"},
	{"cmd/sessionlog", []string{"session", "query", "receiver", "exporter", "connector", "internal/seal"}, "the companion asks through query, verifies and erases by seals, and imports through receiver and exporter"},
	{"cmd", []string{"receiver", "exporter", "extension", "connector", "processor", "internal/statementnames"}, "the distribution puts components together"},
	{"examples", []string{"testengine", "session", "sdk"}, ""},
	{"internal", []string{"session", "internal", "testengine", "receiver", "exporter"}, ""},
	{"bench", []string{"session", "internal", "testengine", "receiver", "exporter"}, ""},
}

// shared are small packages without imports of ours, for whoever runs inside a collector.
var shared = []string{"internal/conditionlog", "internal/connectcheck", "internal/strictconfig", "internal/droppingwriter", "internal/loopbackhost", "internal/writesize", "internal/workfigures"}

func TestImportsPointToTheMiddle(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, module+"...").CombinedOutput()
	require.NoError(t, err, string(out))
	packages := strings.Split(strings.TrimSpace(string(out)), "\n")
	require.Greater(t, len(packages), 5)
	for _, line := range packages {
		names := strings.Fields(line)
		pkg, ours := strings.CutPrefix(names[0], module)
		if !ours {
			continue
		}
		i := slices.IndexFunc(rules, func(r struct {
			prefix string
			may    []string
			why    string
		},
		) bool {
			return under(pkg, r.prefix)
		})
		require.GreaterOrEqual(t, i, 0, "%s: no rule says what it may import: add one here", pkg)
		for _, imported := range names[1:] {
			path, ours := strings.CutPrefix(imported, module)
			if ours && !under(path, pkg) && !allowed(path, rules[i].may) && (under(pkg, "session") || !slices.Contains(shared, path)) {
				t.Errorf("%s imports %s: %s", pkg, path, rules[i].why)
			}
		}
		if pkg == "session" {
			for _, imported := range names[1:] {
				require.NotContains(t, imported, ".", "session imports the standard library only")
			}
		}
	}
}

// allowed takes a folder with what is beneath it, but "receiver/source" and "exporter/backend" alone: the contracts.
func allowed(path string, may []string) bool {
	return slices.ContainsFunc(may, func(m string) bool {
		if m == "receiver/source" || m == "exporter/backend" {
			return path == m
		}
		return under(path, m)
	})
}

func under(path, folder string) bool { return path == folder || strings.HasPrefix(path, folder+"/") }

// TestTheSDKIsSmall: whoever imports sdk or session gets of the collector its data model, and no database.
func TestTheSDKIsSmall(t *testing.T) {
	out, err := exec.Command("go", "list", "-test", "-deps", "-f", "{{.ImportPath}}", module+"session/...", module+"sdk/...").CombinedOutput()
	require.NoError(t, err, string(out))
	may := []string{"go.opentelemetry.io/collector/pdata/", "go.opentelemetry.io/collector/featuregate", "go.opentelemetry.io/collector/internal/testutil"}
	for dep := range strings.Lines(string(out)) {
		name, _, _ := strings.Cut(strings.TrimSpace(dep), " ")
		if ours, is := strings.CutPrefix(name, module); is {
			require.True(t, strings.HasPrefix(ours, "session") || strings.HasPrefix(ours, "sdk"), name)
		}
		if strings.HasPrefix(name, "go.opentelemetry.io/collector") {
			require.True(t, slices.ContainsFunc(may, func(m string) bool { return strings.HasPrefix(name, m) }), name)
		}
	}
}
