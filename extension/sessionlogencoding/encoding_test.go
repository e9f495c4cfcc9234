package sessionlogencoding

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/plogs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const dialects = "../../internal/dialect/"

func start(t testing.TB, change func(*Config)) plog.Unmarshaler {
	t.Helper()
	ext, _ := startLogged(t, change)
	return ext
}

func startLogged(t testing.TB, change func(*Config)) (plog.Unmarshaler, *observer.ObservedLogs) {
	t.Helper()
	cfg := defaultConfig().(*Config)
	cfg.Instance = "warehouse"
	change(cfg)
	require.NoError(t, confmap.Validate(cfg))
	core, logs := observer.New(zap.WarnLevel)
	set := extensiontest.NewNopSettings(Type)
	set.Logger = zap.New(core)
	ext, err := NewFactory().Create(t.Context(), set, cfg)
	require.NoError(t, err)
	require.NoError(t, ext.Start(t.Context(), componenttest.NewNopHost()))
	t.Cleanup(func() { require.NoError(t, ext.Shutdown(t.Context())) })
	return ext.(plog.Unmarshaler), logs
}

// events decodes a buffer, and spoils it afterwards: it is the receiver's to use again.
func events(t testing.TB, u plog.Unmarshaler, text string) (out []session.Event) {
	t.Helper()
	buf := []byte(text)
	logs, err := u.UnmarshalLogs(buf)
	require.NoError(t, err)
	clear(buf)
	for _, e := range plogs.NewDecoder().All(logs) {
		var copied session.Event
		e.CopyTo(&copied)
		out = append(out, copied)
	}
	return out
}

func content(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(dialects + path)
	require.NoError(t, err)
	return string(text)
}

func TestRealLogsOfEveryFormat(t *testing.T) {
	for _, test := range []struct {
		path, prefix, system string
		logins               int
	}{
		{"postgreslog/testdata/15/log.jsonl", "", session.SystemPostgreSQL, 26},
		{"postgreslog/testdata/18/log.csv", "", session.SystemPostgreSQL, 26},
		{"postgreslog/testdata/18/stderr.log", "%m [%p] %q%u@%d %h %a ", session.SystemPostgreSQL, 26},
		{"mariadblog/testdata/server_audit.log", "", "mariadb", 19}, // and one connection that said nothing,
		{"mongodblog/testdata/mongod.log", "", session.SystemMongoDB, 11},
		{"sshlog/testdata/auth.log", "", "sshd", 15},
		{"clickhouselog/export/testdata/session_log.tsv", "", session.SystemClickHouse, 40},
	} {
		u, logs := startLogged(t, func(c *Config) { c.LogLinePrefix, c.Timezone = test.prefix, "UTC" })
		logins := 0
		for _, e := range events(t, u, content(t, test.path)) {
			require.Equal(t, test.system, e.System, test.path)
			require.Equal(t, "warehouse", e.Instance)
			require.False(t, e.RecordID.IsZero())
			require.NotZero(t, e.Observed)
			if e.Kind == session.KindLogin {
				logins++
			}
		}
		require.Equal(t, test.logins, logins, test.path)
		require.Zero(t, logs.Len(), "%s: %v", test.path, logs.All())
	}
}

// What the end of a buffer leaves open is decided there.
func TestABufferIsAWhole(t *testing.T) {
	u := start(t, func(c *Config) { c.Format = "jsonlog" })
	whole := content(t, "postgreslog/testdata/15/log.jsonl")
	alice := ""
	for line := range strings.Lines(whole) {
		if strings.Contains(line, "6b02117b.1b7e") {
			alice += line
		}
	}
	cut := strings.LastIndex(strings.TrimSuffix(alice, "\n"), "\n") + 1
	require.Contains(t, alice[cut:], "disconnection: ")
	both := events(t, u, alice)
	require.Len(t, both, 2)
	first, second := events(t, u, alice[:cut]), events(t, u, alice[cut:])
	require.Len(t, first, 1)
	require.Len(t, second, 1)
	require.Equal(t, both[0].RecordID, first[0].RecordID)
	require.Equal(t, both[1].RecordID, second[0].RecordID)
	require.Equal(t, session.KindLogout, second[0].Kind)
}

const line = "authenticated |Sun, 01 Jan 2023 00:02:14:010|::ffff:10.11.12.16 |66790 |12324|testdb |alice |password |0|TLSv1.2 |ECDHE-RSA-AES256-SHA384 |0| | | |"

func TestBadRecordsAndRefusedBuffers(t *testing.T) {
	u, logs := startLogged(t, func(*Config) {})
	require.Len(t, events(t, u, line+"\ntorn |Sun, 01\n"+line+"\n"), 2)
	require.Equal(t, 1, logs.Len())
	require.Equal(t, int64(len(line)+1), logs.All()[0].ContextMap()["offset_in_buffer"])
	require.Len(t, events(t, u, line+"\ntorn |Sun, 01\n"), 1)
	require.Equal(t, 1, logs.Len(), "once a minute")
	require.Empty(t, events(t, u, " \n"))

	_, err := u.UnmarshalLogs([]byte("hello\n"))
	require.ErrorContains(t, err, "none of the known formats")
	_, err = start(t, func(c *Config) { c.Format = "connectionlog" }).UnmarshalLogs([]byte("a secret\nb\n"))
	require.ErrorContains(t, err, "connectionlog: none of 2 records can be read")
	require.NotContains(t, err.Error(), "secret")
	_, err = u.UnmarshalLogs([]byte(content(t, "clickhouselog/export/testdata/session_log.jsonl")))
	require.ErrorContains(t, err, "key `timezone` is not set")
}

func envelope(t testing.TB, kind string, messages ...string) string {
	t.Helper()
	type event struct {
		ID        string `json:"id"`
		Timestamp int64  `json:"timestamp"`
		Message   string `json:"message"`
	}
	var list []event
	for _, m := range messages {
		list = append(list, event{"1", 1725544035523, m})
	}
	text, err := json.Marshal(map[string]any{
		"messageType": kind, "owner": "123456789012", "logGroup": "/aws/redshift/cluster/sales/connectionlog", "logStream": "sales",
		"subscriptionFilters": []string{"audit"}, "logEvents": list,
	})
	require.NoError(t, err)
	return string(text)
}

func TestCloudWatch(t *testing.T) {
	u := start(t, func(c *Config) { c.Envelope = EnvelopeCloudWatch })
	two := envelope(t, "CONTROL_MESSAGE", "are you there?") + envelope(t, "DATA_MESSAGE", line, strings.Replace(line, "alice", "bob", 1)) + "\n" +
		envelope(t, "DATA_MESSAGE", strings.Replace(line, "alice", "carol", 1)+"\n")
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err := z.Write([]byte(two))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	for _, text := range []string{two, packed.String()} {
		var users []string
		for _, e := range events(t, u, text) {
			users = append(users, e.User)
		}
		require.Equal(t, []string{"alice", "bob", "carol"}, users)
	}
	logs, err := u.UnmarshalLogs([]byte(two))
	require.NoError(t, err)
	group, ok := logs.ResourceLogs().At(0).Resource().Attributes().Get("aws.log.group.names")
	require.True(t, ok)
	require.Equal(t, []any{"/aws/redshift/cluster/sales/connectionlog"}, group.Slice().AsRaw())

	for _, text := range []string{line, `{"a":1}`, packed.String()[:20], "\x1f\x8bno", envelope(t, "DATA_MESSAGE", line)[:50]} {
		_, err := u.UnmarshalLogs([]byte(text))
		require.Error(t, err)
	}
}

// A delivery of which nothing can be read does not take its neighbours in the buffer along.
func TestDeliveriesThatCannotBeRead(t *testing.T) {
	good, torn, foreign := envelope(t, "DATA_MESSAGE", line), envelope(t, "DATA_MESSAGE", "torn |Sun, 01 Jan 2023 00:02:14:010|"), envelope(t, "DATA_MESSAGE", "hello", "you")
	for _, format := range []string{"auto", "connectionlog"} {
		u, logs := startLogged(t, func(c *Config) { c.Envelope, c.Format = EnvelopeCloudWatch, format })
		require.Len(t, events(t, u, torn+good+foreign+good), 2)
		require.Equal(t, 1, logs.Len())
		require.Equal(t, int64(3), logs.All()[0].ContextMap()["records"])
		_, err := u.UnmarshalLogs([]byte(torn + foreign))
		require.Error(t, err)
		require.NotContains(t, err.Error(), "hello")
	}
}

func TestConcurrentBuffers(t *testing.T) {
	u := start(t, func(*Config) {})
	want := events(t, u, content(t, "postgreslog/testdata/18/log.jsonl"))
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			for range 5 {
				logs, err := u.UnmarshalLogs([]byte(content(t, "postgreslog/testdata/18/log.jsonl")))
				if err != nil || logs.LogRecordCount() != len(want) {
					t.Errorf("%d records, %v", logs.LogRecordCount(), err)
				}
			}
		})
	}
	workers.Wait()
}

// TestLinesOfEveryShape: one line an event, and nothing before it.
func TestLinesOfEveryShape(t *testing.T) {
	decoder := start(t, func(c *Config) { c.Format = "jsonlog" })
	logs, err := decoder.UnmarshalLogs([]byte(content(t, "postgreslog/testdata/15/log.jsonl")))
	require.NoError(t, err)
	logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty().Body().SetStr("no event")
	_, marshals := decoder.(plog.Marshaler)
	require.False(t, marshals, "without shape an exporter must refuse it at start")
	for _, shape := range []string{"ocsf", "ecs", "cim", "cef", "flat"} {
		u := start(t, func(c *Config) { c.Shape = shape })
		lines, err := u.(plog.Marshaler).MarshalLogs(logs)
		require.NoError(t, err)
		require.True(t, bytes.HasSuffix(lines, []byte("\n")))
		n := 0
		for line := range bytes.Lines(lines) {
			n++
			if shape != "cef" {
				require.True(t, json.Valid(line), "%s", line)
			}
		}
		require.Equal(t, map[string]int{"ocsf": 26 + 14, "ecs": 26 + 14, "cim": 26, "cef": 26 + 14, "flat": 26 + 14}[shape], n, shape)
	}
}

// TestAnExtensionThatOnlyEncodes needs no instance, and is no decoder.
func TestAnExtensionThatOnlyEncodes(t *testing.T) {
	cfg := defaultConfig().(*Config)
	cfg.Shape, cfg.Kinds = "ecs", []string{"logout"}
	require.NoError(t, confmap.Validate(cfg))
	core, warnings := observer.New(zap.WarnLevel)
	set := extensiontest.NewNopSettings(Type)
	set.Logger = zap.New(core)
	ext, err := NewFactory().Create(t.Context(), set, cfg)
	require.NoError(t, err)
	_, decodes := ext.(plog.Unmarshaler)
	require.False(t, decodes)
	login := make([]session.Event, 1)
	login[0].Kind, login[0].Time, login[0].User = session.KindLogin, 1, "alice"
	lines, err := ext.(plog.Marshaler).MarshalLogs(plogs.NewEncoder("1").Encode(login))
	require.NoError(t, err)
	require.Empty(t, lines)
	require.NotNil(t, lines, "nil is a tombstone to Kafka")
	require.Equal(t, 1, warnings.Len())
	require.Contains(t, warnings.All()[0].Message, "add login to kinds")
}

func TestMistakesInTheConfiguration(t *testing.T) {
	require.NoError(t, componenttest.CheckConfigStruct(defaultConfig()))
	for _, test := range []struct {
		change func(*Config)
		want   string
	}{
		{func(c *Config) { c.Instance = "" }, "instance: required"},
		{func(c *Config) { c.Format = "Parquet" }, `format: "Parquet" is not known: write auto or one of connectionlog`},
		{func(c *Config) { c.LogLinePrefix = "%c " }, `log_line_prefix: "%c " has none of the times %m, %t and %n`},
		{func(c *Config) { c.Timezone = "IST" }, `timezone: "IST" is not an IANA name`},
		{func(c *Config) { c.Shape = "leef" }, `shape: "leef" is not known: write one of ocsf, ecs, cim, cef, flat`},
		{func(c *Config) { c.Shape, c.Kinds = "ecs", []string{"login", "x"} }, `kinds: "x" is not known`},
		{func(c *Config) { c.Envelope = "box" }, `envelope: "box" is neither none nor cloudwatch`},
	} {
		cfg := defaultConfig().(*Config)
		cfg.Instance = "warehouse"
		test.change(cfg)
		require.ErrorContains(t, confmap.Validate(cfg), test.want)
	}
}

// Every block of ours in the README's examples can be loaded.
func TestExamplesOfTheReadme(t *testing.T) {
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	found := 0
	for _, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		retrieved, err := confmap.NewRetrievedFromYAML([]byte(block[1]))
		require.NoError(t, err)
		conf, err := retrieved.AsConf()
		require.NoError(t, err)
		extensions, err := conf.Sub("extensions")
		require.NoError(t, err)
		for name := range extensions.ToStringMap() {
			var id component.ID
			require.NoError(t, id.UnmarshalText([]byte(name)))
			require.Equal(t, Type, id.Type())
			sub, err := extensions.Sub(name)
			require.NoError(t, err)
			cfg := defaultConfig()
			require.NoError(t, sub.Unmarshal(cfg))
			require.NoError(t, confmap.Validate(cfg))
			ext, err := NewFactory().Create(t.Context(), extension.Settings{ID: id, TelemetrySettings: componenttest.NewNopTelemetrySettings()}, cfg)
			require.NoError(t, err)
			require.NoError(t, ext.Shutdown(t.Context()))
			require.Contains(t, block[1], "["+name+"]")
			found++
		}
	}
	require.Equal(t, 4, found)
}
