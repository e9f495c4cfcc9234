package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
)

// sqlBackend is a backend that is asked in SQL: how its plugin takes a query, and the queries.
type sqlBackend struct {
	dataSource
	name string // as in the names of the files

	// target makes a query of its SQL; series of those whose first column is a time.
	target func(sql string, isSeries bool) variants.Dataquery
	// allValue stands for "All", as it is put into the SQL.
	allValue string

	systems, instances, users string // the values of the variables

	totals, overTime, failureKinds, openCount, openSessions          string
	topUsers, topAddresses, methods, passwordClients, newestFailures string
	userTotals, userOverTime, userAddresses, userClients, userEvents string
	userSystems, userOpenSessions                                    string
}

func (b sqlBackend) rowsQuery(sql string) cog.Builder[variants.Dataquery] {
	return builtQuery{b.target(sql, false)}
}

func (b sqlBackend) seriesQuery(sql string) cog.Builder[variants.Dataquery] {
	return builtQuery{b.target(sql, true)}
}

// values shows every column of one row, times too.
func (b sqlBackend) values(title, description string, width uint32, target cog.Builder[variants.Dataquery]) *stat.PanelBuilder {
	return b.numbers(title, description, width, target).ReduceOptions(common.NewReduceDataOptionsBuilder().Calcs([]string{"lastNotNull"}).Fields("/.*/"))
}

// valuesVariable lists what the chosen span of time has; any other value can be typed.
func (b sqlBackend) valuesVariable(name, label, sql string) *dashboard.QueryVariableBuilder {
	return dashboard.NewQueryVariableBuilder(name).Label(label).Datasource(b.reference()).Query(dashboard.StringOrMap{String: &sql}).
		Refresh(dashboard.VariableRefreshOnTimeRangeChanged).AllowCustomValue(true)
}

// choiceVariable is one with "All".
func (b sqlBackend) choiceVariable(name, label, sql string) *dashboard.QueryVariableBuilder {
	return b.valuesVariable(name, label, sql).IncludeAll(true).AllValue(b.allValue).Current(dashboard.VariableOption{
		Text: dashboard.StringOrArrayOfString{String: cog.ToPtr("All")}, Value: dashboard.StringOrArrayOfString{String: cog.ToPtr("$__all")},
	})
}

// userLink leads to the dashboard of the user in the cell.
func (b sqlBackend) userLink() []dashboard.DynamicConfigValue {
	return cellLink("This user", "/d/sessionlog-one-user-"+b.name+"?var-datasource=${datasource}&var-user=${__value.raw:percentencode}&${__url_time_range}")
}

const (
	loginColor   = "semi-dark-green"
	failureColor = "semi-dark-red"
)

func loginsDashboard(b sqlBackend) *dashboard.DashboardBuilder {
	return b.newDashboard("sessionlog-logins-"+b.name, "Logins ("+b.label+")",
		"Logins, failures and sessions of all systems that sessionlog has stored.", "now-24h").
		WithVariable(b.choiceVariable("system", "System", b.systems)).
		WithVariable(b.choiceVariable("instance", "Instance", b.instances)).
		WithVariable(b.choiceVariable("user", "User", b.users)).
		WithPanel(b.values("In this span of time", "", 18, b.rowsQuery(b.totals))).
		WithPanel(b.values("Open sessions", openDescription(b), 6, b.rowsQuery(b.openCount))).
		WithPanel(b.bars("Logins and failures", "", 24, b.seriesQuery(b.overTime)).
			OverrideByName("logins", seriesColor(loginColor)).OverrideByName("failures", seriesColor(failureColor))).
		WithPanel(b.bars("Failures by their reason", "", 12, b.seriesQuery(b.failureKinds))).
		WithPanel(b.rows("Newest failures", "What was typed as a user name may be a mistyped password.", 12, b.rowsQuery(b.newestFailures)).Height(8).
			OverrideByName("user", b.userLink())).
		WithPanel(b.rows("Users", "Those with most attempts.", 12, b.rowsQuery(b.topUsers)).OverrideByName("user", b.userLink())).
		WithPanel(b.rows("Addresses", "Those with most attempts.", 12, b.rowsQuery(b.topAddresses))).
		WithPanel(b.rows("Methods", "How users proved who they are, where the source says so.", 8, b.rowsQuery(b.methods))).
		WithPanel(b.rows("Clients that still use a plain password", "A password alone, without a certificate, a key, a ticket or a token.", 16, b.rowsQuery(b.passwordClients))).
		WithPanel(b.rows("Open sessions, the newest", openDescription(b), 24, b.rowsQuery(b.openSessions)).OverrideByName("user", b.userLink()))
}

func userDashboard(b sqlBackend) *dashboard.DashboardBuilder {
	return b.newDashboard("sessionlog-one-user-"+b.name, "One user ("+b.label+")",
		"What one user did: logins, failures, addresses, clients and sessions.", "now-7d").
		WithVariable(b.valuesVariable("user", "User", b.users)).
		WithPanel(b.values("$user in this span of time", "", 24, b.rowsQuery(b.userTotals))).
		WithPanel(b.bars("Logins and failures", "", 24, b.seriesQuery(b.userOverTime)).
			OverrideByName("logins", seriesColor(loginColor)).OverrideByName("failures", seriesColor(failureColor))).
		WithPanel(b.rows("Addresses", "First and last are within this span of time.", 12, b.rowsQuery(b.userAddresses))).
		WithPanel(b.rows("Clients and methods", "", 12, b.rowsQuery(b.userClients))).
		WithPanel(b.rows("Systems", "", 8, b.rowsQuery(b.userSystems))).
		WithPanel(b.rows("Open sessions", openDescription(b), 16, b.rowsQuery(b.userOpenSessions))).
		WithPanel(b.rows("Newest events", "", 24, b.rowsQuery(b.userEvents)).Height(12).OverrideByName("type", outcomeColors()))
}

// outcomeColors paints the text of a failure.
func outcomeColors() []dashboard.DynamicConfigValue {
	return []dashboard.DynamicConfigValue{
		{Id: "custom.cellOptions", Value: common.TableColorTextCellOptions{Type: common.TableCellDisplayModeColorText}},
		{Id: "mappings", Value: []map[string]any{{"type": "value", "options": map[string]any{"LoginFailure": map[string]any{"color": failureColor}}}}},
	}
}

// openDescription says what counts as open, which is asked in another way of each backend.
func openDescription(b sqlBackend) string {
	if b.name == "clickhouse" {
		return "Open now, whatever the span of time: of the view open_sessions, which reads the records of the last day (sessions::assumed_closed_after)."
	}
	return "Those that began in this span of time and did not end in it."
}
