package main

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/backendtest"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/sqlite"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/deadletter/deadlettertest"
)

var updateRecipes = flag.Bool("update", false, "write the goldens of examples/recipes anew")

const recipesFolder = "../../examples/recipes"

// ottlRecipe is a folder of examples/recipes with what came of it in this run.
type ottlRecipe struct {
	name, folder string
	receiver     string // the one that its pipeline reads
	conf         *confmap.Conf
	out          string // its own table and dead letter
	send         func(*testing.T)
}

// TestRecipes: one collector runs every recipe on its sample, all of it twice. The golden holds each event whole, ids and keys too: the same line
// is the same record, wherever and whenever it is read.
func TestRecipes(t *testing.T) {
	dir := t.TempDir()
	logFile := filepath.Join(dir, "collector.log")
	overrides := map[string]any{
		"extensions": map[string]any{"file_storage": map[string]any{"directory": filepath.Join(dir, "storage")}},
		"exporters":  map[string]any{"sessionlog": map[string]any{"sqlite": map[string]any{"path": filepath.Join(dir, "unused.db")}}},
		"service":    map[string]any{"telemetry": quietTelemetry(logFile)},
	}
	configs := []string{filepath.Join(recipesFolder, "common.yaml")}
	recipes := ottlRecipes(t)
	for _, recipe := range recipes {
		recipe.out = filepath.Join(dir, recipe.name)
		configs = append(configs, filepath.Join(recipe.folder, "collector.yaml"))
		merge(t, overrides, recipe.overrides(t))
	}
	stop := startCollectorOf(t, append(configs, overridesFile(t, overrides))...)
	for _, recipe := range recipes {
		recipe.send(t)
	}
	for _, recipe := range recipes {
		recipe.await(t)
	}
	stop()
	for _, recipe := range recipes {
		t.Run(recipe.name, recipe.check)
	}
	log, err := os.ReadFile(logFile) //nolint:gosec // the test's own
	require.NoError(t, err)
	require.NotContains(t, string(log), "failed to execute statement")
	require.NotContains(t, string(log), secret)
	require.Contains(t, string(log), "records written into the dead letter", "lines that cannot be read are warned of")
}

// quietTelemetry logs into a file, and listens nowhere.
func quietTelemetry(logFile string) map[string]any {
	return map[string]any{"logs": map[string]any{"output_paths": []string{logFile}}, "metrics": map[string]any{"level": "none", "readers": []any{}}}
}

func ottlRecipes(t *testing.T) (recipes []*ottlRecipe) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(recipesFolder, "*/collector.yaml"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		conf, err := confmaptest.LoadConf(file)
		require.NoError(t, err, file)
		receivers, ok := conf.Get("receivers").(map[string]any)
		require.True(t, ok, file)
		require.Len(t, receivers, 1, "%s has one receiver", file)
		recipes = append(recipes, &ottlRecipe{
			name: filepath.Base(filepath.Dir(file)), folder: filepath.Dir(file), conf: conf, receiver: slices.Collect(maps.Keys(receivers))[0],
		})
	}
	return recipes
}

// overrides put the recipe's sample in the place of its source, and its own table in that of the common one.
func (r *ottlRecipe) overrides(t *testing.T) map[string]any {
	t.Helper()
	exporter := "sessionlog/" + r.name
	pipelines, ok := r.conf.Get("service::pipelines").(map[string]any)
	require.True(t, ok)
	require.Len(t, pipelines, 1)
	pipeline := slices.Collect(maps.Keys(pipelines))[0]
	return map[string]any{
		"receivers": map[string]any{r.receiver: r.source(t)},
		"exporters": map[string]any{exporter: map[string]any{
			"sqlite": map[string]any{"path": filepath.Join(r.out, "session_log.db")}, "dead_letter": map[string]any{"directory": filepath.Join(r.out, "dead_letter")},
			"not_events": r.common(t, "exporters::sessionlog::not_events"),
		}},
		"service": map[string]any{"pipelines": map[string]any{pipeline: map[string]any{"exporters": []string{exporter}}}},
	}
}

func (r *ottlRecipe) common(t *testing.T, key string) any {
	t.Helper()
	conf, err := confmaptest.LoadConf(filepath.Join(recipesFolder, "common.yaml"))
	require.NoError(t, err)
	return conf.Get(key)
}

// source is what the receiver reads instead; send does what the source would.
func (r *ottlRecipe) source(t *testing.T) map[string]any {
	t.Helper()
	kind, _, _ := strings.Cut(r.receiver, "/")
	switch kind {
	case "file_log":
		name := filepath.Join(r.out, "sample")
		r.send = func(t *testing.T) {
			t.Helper()
			text := r.sample(t, "sample.log")
			for n, text := range [][]byte{text, append([]byte("\n"), text...)} { // the same beginning would be the same file
				if r.conf.Get("receivers::"+r.receiver+"::compression") == "gzip" {
					text = gzipped(t, text)
				}
				require.NoError(t, os.WriteFile(fmt.Sprint(name, n), text, 0o600))
			}
		}
		return map[string]any{"include": []string{name + "*"}, "poll_interval": "20ms", "force_flush_period": "50ms"}
	case "syslog":
		address := freeUDPAddress(t)
		r.send = func(t *testing.T) {
			t.Helper()
			conn, err := (&net.Dialer{}).DialContext(t.Context(), "udp", address)
			require.NoError(t, err)
			for range 2 {
				for line := range bytes.Lines(r.sample(t, "sample.log")) {
					_, err = conn.Write(bytes.TrimSuffix(line, []byte("\n")))
					require.NoError(t, err)
				}
			}
			require.NoError(t, conn.Close())
		}
		return map[string]any{"udp": map[string]any{"listen_address": address}}
	case "otlp":
		grpc, address := freeAddress(t), freeAddress(t)
		r.send = func(t *testing.T) {
			t.Helper()
			for range 2 {
				for line := range bytes.Lines(r.sample(t, "sample.otlp.json")) {
					status, answer := post(t, "http://"+address+"/v1/logs", string(line))
					require.Equal(t, http.StatusOK, status, answer)
				}
			}
		}
		return map[string]any{"protocols": map[string]any{"grpc": map[string]any{"endpoint": grpc}, "http": map[string]any{"endpoint": address}}}
	}
	require.Fail(t, "no sample can be fed to a receiver "+kind)
	return nil
}

func (r *ottlRecipe) sample(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(r.folder, name)) //nolint:gosec // a test's input
	require.NoError(t, err)
	return text
}

func (r *ottlRecipe) golden() string { return filepath.Join(r.folder, "want.jsonl") }

// await waits for as many events and unreadable lines as the golden has.
func (r *ottlRecipe) await(t *testing.T) {
	t.Helper()
	if *updateRecipes {
		time.Sleep(500 * time.Millisecond)
		return
	}
	want, err := os.ReadFile(r.golden())
	require.NoError(t, err, "-update writes it")
	unreadable := bytes.Count(want, []byte(`{"unreadable":`))
	deadline := time.Now().Add(15 * time.Second)
	for rowsOf(t, r.out, "SELECT count(*) FROM session_events") < bytes.Count(want, []byte("\n"))-unreadable || len(r.unreadable(t)) < 2*unreadable {
		if time.Now().After(deadline) {
			return // check says what is missing
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func (r *ottlRecipe) check(t *testing.T) {
	var got bytes.Buffer
	for _, line := range storedEvents(t, r.out) {
		got.WriteString(line + "\n")
	}
	unreadable := r.unreadable(t)
	slices.Sort(unreadable)
	require.Equal(t, len(slices.Compact(slices.Clone(unreadable)))*2, len(unreadable), "%q", unreadable)
	for _, text := range slices.Compact(unreadable) {
		line, err := json.Marshal(map[string]string{"unreadable": text})
		require.NoError(t, err)
		got.Write(append(line, '\n'))
	}
	if *updateRecipes {
		require.NoError(t, os.WriteFile(r.golden(), got.Bytes(), 0o600))
	}
	want, err := os.ReadFile(r.golden())
	require.NoError(t, err, "-update writes it")
	require.Equal(t, string(want), got.String(), "-update writes it anew")
	require.Zero(t, rowsOf(t, r.out, "SELECT count(*) FROM session_conflicts"), "a line that is read again says the same")
}

// storedEvents are the events of a table as lines of JSON, ordered by time and id.
func storedEvents(t *testing.T, folder string) (lines []string) {
	t.Helper()
	var events []session.Event
	for event, err := range backendtest.StoredEvents(t.Context(), sqlite.OpenQueryStore, sqlite.Config{Path: filepath.Join(folder, "session_log.db")}, "arrival") {
		require.NoError(t, err)
		events = append(events, session.Event{})
		event.CopyTo(&events[len(events)-1])
	}
	slices.SortFunc(events, func(a, b session.Event) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), strings.Compare(a.RecordID.String(), b.RecordID.String()))
	})
	for i := range events {
		line, err := json.Marshal(flatEvent(&events[i]))
		require.NoError(t, err)
		lines = append(lines, string(line))
		requireNoSecretBeside(t, &events[i])
		require.False(t, slices.ContainsFunc(events[i].Extra, func(a session.Attr) bool { return a.Type == session.AttrEmpty }), "%s: what is not said is absent", line)
	}
	return lines
}

// unreadable are the bodies in the dead letter.
func (r *ottlRecipe) unreadable(t *testing.T) (texts []string) {
	t.Helper()
	dir := filepath.Join(r.out, "dead_letter")
	if _, err := os.Stat(dir); os.IsNotExist(err) {
		return nil
	}
	for entry, err := range deadlettertest.Read(dir) {
		require.NoError(t, err)
		record := entry.Record.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0)
		texts = append(texts, record.Body().AsString())
	}
	return texts
}

// flatEvent has the columns of an event that are not absent, and not when it was read.
func flatEvent(e *session.Event) map[string]any {
	flat := map[string]any{}
	for _, field := range session.Fields {
		if field.OfReading {
			continue
		}
		value := reflect.ValueOf(field.In(e)).Elem()
		switch v := value.Interface().(type) {
		case []session.Attr:
			for _, a := range v {
				flat[field.Column+": "+a.Key] = a.Value
			}
		case fmt.Stringer:
			if !value.IsZero() {
				flat[field.Column] = v.String()
			}
		default:
			if !value.IsZero() && (value.Kind() != reflect.Slice || value.Len() > 0) {
				flat[field.Column] = v
			}
		}
	}
	if e.UserEmpty {
		flat["user_name"] = ""
	}
	flat["time"] = time.Unix(0, e.Time).UTC().Format(time.RFC3339Nano)
	return flat
}

// requireNoSecretBeside: a password that was typed as a user name stands in the column of the name and nowhere else.
func requireNoSecretBeside(t *testing.T, e *session.Event) {
	t.Helper()
	flat := flatEvent(e)
	delete(flat, "user_name")
	text, err := json.Marshal(flat)
	require.NoError(t, err)
	require.NotContains(t, string(text), secret)
}

// merge puts the leaves of from into to.
func merge(t *testing.T, to, from map[string]any) {
	t.Helper()
	for key, value := range from {
		inner, isMap := value.(map[string]any)
		if there, ok := to[key].(map[string]any); ok && isMap {
			merge(t, there, inner)
			continue
		}
		to[key] = value
	}
}

func gzipped(t *testing.T, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(text)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

func freeUDPAddress(t *testing.T) string {
	t.Helper()
	conn, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	return conn.LocalAddr().String()
}
