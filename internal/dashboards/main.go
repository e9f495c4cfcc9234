// Package main makes the Grafana dashboards of the folder dashboards/. It is a module of its own, so that nothing of Grafana is a dependency of
// the collector components.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// dashboardFolder is where the files lie, seen from this folder.
const dashboardFolder = "../../dashboards"

func main() {
	files, err := makeDashboards()
	for name, text := range files {
		if err == nil {
			err = os.WriteFile(filepath.Join(dashboardFolder, name), text, 0o644)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// makeDashboards gives each file's text by its name.
func makeDashboards() (map[string][]byte, error) {
	files := map[string][]byte{}
	for name, builder := range map[string]*dashboard.DashboardBuilder{
		"logins-clickhouse.json":    loginsDashboard(clickhouse()),
		"logins-postgresql.json":    loginsDashboard(postgresql()),
		"one-user-clickhouse.json":  userDashboard(clickhouse()),
		"one-user-postgresql.json":  userDashboard(postgresql()),
		"collector-prometheus.json": collectorDashboard(),
	} {
		made, err := builder.Build()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		text, err := json.MarshalIndent(made, "", " ")
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		files[name] = append(text, '\n')
	}
	return files, nil
}
