package redshift

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
)

func valid() Config {
	c := DefaultConfig()
	c.Endpoints, c.Username = []string{"redshift://w.012345678901.eu-central-1.redshift-serverless.amazonaws.com:5439"}, "audit"
	return c
}

func TestDefaults(t *testing.T) {
	require.NoError(t, componenttest.CheckConfigStruct(valid()))
	require.NoError(t, valid().Validate())
	require.Equal(t, "w.012345678901.eu-central-1.redshift-serverless.amazonaws.com:5439", valid().DefaultInstance())
	require.GreaterOrEqual(t, DefaultConfig().CollectionInterval, 5*time.Minute, "a poll keeps a serverless workgroup awake")
	require.ErrorContains(t, DefaultConfig().Validate(), "endpoints")
	require.ErrorContains(t, DefaultConfig().Validate(), "username")
}

func TestAConfigurationIsRead(t *testing.T) {
	c := DefaultConfig()
	require.NoError(t, confmap.NewFromStringMap(map[string]any{
		"endpoints": []any{"redshift://h:5439"}, "username": "audit", "password": "x", "database": "dev", "tls": map[string]any{"ca_file": "ca.pem"},
		"table": "stl_connection_log", "exclude_internal": true, "collection_interval": "1m", "overlap": "5m", "initial": "end", "batch_size": 100,
		"reconcile_interval": "10m", "reconcile_window": "48h",
	}).Unmarshal(&c))
	require.NoError(t, c.Validate())
	require.True(t, c.ExcludeInternal)
	require.Equal(t, []any{time.Minute, 5 * time.Minute, "end", 100}, []any{c.CollectionInterval, c.Overlap, c.Initial, c.BatchSize})
	require.True(t, c.TLS.HasValue())
}

func TestNamesOfTables(t *testing.T) {
	for table, good := range map[string]bool{
		"": true, "stl_connection_log": true, "pg_catalog.SYS_CONNECTION_LOG": true, "audit.log": true, "dev.audit.log": true, `"Audit Logs".connections`: true,
		`"a""b"."c.d"`: true, "größe.log$1": true,
		"a.b.c.d": false, "a.": false, ".a": false, "a..b": false, "a b": false, "a;b": false, `"a`: false, `a"b"`: false, `""`: false, "1a": false, "a--b": false,
		"(select 1)": false, "a'": false, "\"a\x00\"": false,
	} {
		c := valid()
		c.Table = table
		if good {
			require.NoError(t, c.Validate(), table)
		} else {
			require.ErrorContains(t, c.Validate(), "table:", table)
		}
	}
}

func TestTheSystemTablesAreOneHistory(t *testing.T) {
	for table, want := range map[string]string{
		"": "", "stl_connection_log": "", "PG_CATALOG.STL_CONNECTION_LOG": "", "sys_connection_log": "", "audit.sys_connection_log": "audit.sys_connection_log",
	} {
		c := valid()
		c.Table = table
		require.Equal(t, want, c.cursorIdentity(), table)
	}
}

// Every key has its row in the README, with its default, and nothing else has.
func TestTheReadmeHasEveryKey(t *testing.T) {
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	_, table, _ := strings.Cut(string(text), "## Keys")
	table, _, _ = strings.Cut(table, "\n## ")
	documented := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|(.*?)\\|").FindAllStringSubmatch(table, -1) {
		documented[m[1]] = strings.Trim(m[2], " `")
	}
	c := DefaultConfig()
	for _, key := range []string{"endpoints", "username", "password", "database", "table", "tls", "iam"} {
		require.Contains(t, documented, key)
		delete(documented, key)
	}
	require.Equal(t, map[string]string{
		"dial_timeout": short(c.DialTimeout), "exclude_internal": strconv.FormatBool(c.ExcludeInternal), "collection_interval": short(c.CollectionInterval),
		"overlap": short(c.Overlap), "reconcile_interval": short(c.ReconcileInterval), "reconcile_window": short(c.ReconcileWindow),
		"initial": c.Initial, "batch_size": strconv.Itoa(c.BatchSize),
	}, documented)
	conf := confmap.New()
	require.NoError(t, conf.Marshal(&c))
	require.Len(t, conf.ToStringMap(), 15, "a new key needs a row in the README")
}

// short is a duration as people write it.
func short(d time.Duration) string {
	return regexp.MustCompile(`([hm])0[ms].*`).ReplaceAllString(d.String(), "$1")
}
