package backendtest

import (
	"encoding/json"
	"fmt"
	"iter"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

// Dashboard is one of the Grafana dashboards in dashboards/, with what its reader has chosen.
type Dashboard struct {
	File string // its name, logins-postgresql.json
	// Macros are what the data source's plugin makes of $__name(arguments) and of $__name, as its documentation says.
	Macros map[string]func(arguments []string) string
	// AllValue is what "All" is put into the SQL as; it must be that of every variable that has it.
	AllValue string
}

// DashboardQuery is what Grafana would send.
type DashboardQuery struct {
	Title string // of the panel, or the variable's name
	SQL   string
}

// Choices are what its reader may have chosen, each of which DashboardEvents has rows for.
func (d Dashboard) Choices() []map[string]string {
	choices := []map[string]string{{"user": "bob"}, {"user": "bob", "system": "clickhouse", "instance": "warehouse"}, {"user": HostileDashboardUser}}
	if strings.HasPrefix(d.File, "logins-") {
		choices = append(choices, nil)
	}
	return choices
}

// dashboardFile is what is read of a file.
type dashboardFile struct {
	Panels []struct {
		Title   string
		Targets []struct{ RawSQL string }
	}
	Templating struct {
		List []struct {
			Name, Type, AllValue string
			Query                any
		}
	}
}

// Queries are those of all panels and variables; a variable that chosen has not is at "All".
func (d Dashboard) Queries(t *testing.T, chosen map[string]string) (all []DashboardQuery) {
	text, err := os.ReadFile(filepath.Join("../../../dashboards", d.File))
	require.NoError(t, err)
	var file dashboardFile
	require.NoError(t, json.Unmarshal(text, &file))
	for _, v := range file.Templating.List {
		if v.Type == "query" {
			require.Contains(t, []string{"", d.AllValue}, v.AllValue, v.Name)
			all = append(all, DashboardQuery{v.Name, d.expand(t, v.Query.(string), chosen)})
		}
	}
	for _, p := range file.Panels {
		for _, target := range p.Targets {
			all = append(all, DashboardQuery{p.Title, d.expand(t, target.RawSQL, chosen)})
		}
	}
	require.Greater(t, len(all), 5, d.File)
	return all
}

var (
	dashboardVariable = regexp.MustCompile(`\$\{(\w+):(\w+)\}`)
	dashboardMacro    = regexp.MustCompile(`\$__(\w+)(?:\(([^)]*)\))?`)
)

// expand puts in the variables first, as Grafana does.
func (d Dashboard) expand(t *testing.T, sql string, chosen map[string]string) string {
	sql = dashboardMacro.ReplaceAllStringFunc(sql, func(macro string) string {
		m := dashboardMacro.FindStringSubmatch(macro)
		require.Contains(t, d.Macros, m[1])
		var arguments []string
		for argument := range strings.SplitSeq(m[2], ",") {
			arguments = append(arguments, strings.TrimSpace(argument))
		}
		return d.Macros[m[1]](arguments)
	})
	require.NotRegexp(t, `\$[^{]`, sql, "a variable without a format")
	return dashboardVariable.ReplaceAllStringFunc(sql, func(variable string) string {
		m := dashboardVariable.FindStringSubmatch(variable)
		value, known := chosen[m[1]]
		if !known {
			return d.AllValue
		}
		return formatVariable(t, m[2], value)
	})
}

// formatVariable writes a value as https://grafana.com/docs/grafana/latest/dashboards/variables/variable-syntax/ says.
func formatVariable(t *testing.T, format, value string) string {
	switch format {
	case "percentencode":
		return strings.ReplaceAll(url.QueryEscape(value), "+", "%20")
	case "sqlstring":
		return "'" + strings.ReplaceAll(value, "'", "''") + "'"
	}
	require.Fail(t, "no such format", format)
	return ""
}

// HostileDashboardUser is a user name that ends a text of SQL where it is not written with care.
const HostileDashboardUser = `x\' OR '1' = '1' -- ` + `\`

// DashboardEvents are typical ones, one in step, the last now; every seventh session is open. The hostile user has the last login and failure of all.
func DashboardEvents(count int, step time.Duration) iter.Seq2[int, *session.Event] {
	return func(yield func(int, *session.Event) bool) {
		now := time.Now()
		var e session.Event
		for n := range count {
			if sessiontest.Typical(&e, n); e.Kind == session.KindLogout && n/2%7 == 0 {
				e.Kind = session.KindSessionUpdate
			}
			switch n {
			case count - 20: // a success otherwise
				e.Outcome, e.User = session.OutcomeFailure, HostileDashboardUser
			case count - 4:
				e.User, e.SessionKey = HostileDashboardUser, session.ID{1}
			}
			e.Time = now.Add(-step * time.Duration(count-1-n)).UnixNano()
			var h session.Hasher
			e.RecordID = h.Start("dashboard", e.System, fmt.Sprint(n)).Int(int64(n)).RecordID(e.Time)
			if !yield(n, &e) {
				return
			}
		}
	}
}

// DocumentedAccount are the statements of docs/dashboards.md that make Grafana's account, by the heading above them.
func DocumentedAccount(t *testing.T, heading string) []string {
	doc, err := os.ReadFile("../../../docs/dashboards.md")
	require.NoError(t, err)
	_, text, found := strings.Cut(string(doc), "\n### "+heading+"\n")
	require.True(t, found, "docs/dashboards.md has no heading %s", heading)
	_, text, _ = strings.Cut(text, "```sql\n")
	text, _, found = strings.Cut(text, "```")
	require.True(t, found)
	return strings.Split(strings.TrimSuffix(strings.TrimSpace(text), ";"), ";\n")
}
