package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// largestFile is what a dashboard may be: a reviewer reads it.
const largestFile = 60_000

// TestDashboards: the files are what the program makes, small, and each may be imported beside the others.
func TestDashboards(t *testing.T) {
	made, err := makeDashboards()
	require.NoError(t, err)
	files, err := filepath.Glob(dashboardFolder + "/*.json")
	require.NoError(t, err)
	require.Len(t, files, len(made), "a file that nothing makes")
	uids := map[string]bool{}
	for name, text := range made {
		committed, err := os.ReadFile(filepath.Join(dashboardFolder, name))
		require.NoError(t, err)
		require.Equal(t, string(text), string(committed), "%s: run make dashboards", name)
		require.Less(t, len(text), largestFile, name)
		var d struct {
			ID     *int
			UID    string
			Panels []struct{ Title string }
		}
		require.NoError(t, json.Unmarshal(text, &d))
		require.Nil(t, d.ID, "Grafana gives it")
		require.Regexp(t, `^[a-z-]{8,40}$`, d.UID, name)
		require.False(t, uids[d.UID], d.UID)
		uids[d.UID] = true
		require.Greater(t, len(d.Panels), 5, name)
	}
}
