package push

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/session"
)

var updateGolden = flag.Bool("update", false, "write the golden files anew")

// TestSamples maps each dialect's sample and compares every field with its golden.
func TestSamples(t *testing.T) {
	for _, d := range allDialects {
		t.Run(d.Name, func(t *testing.T) {
			sample, err := os.ReadFile(filepath.Join("testdata", d.Name+".json"))
			require.NoError(t, err)
			sink := readBody(t, d.Name, FramingDocument, string(sample), testOrigin)
			require.Empty(t, sink.bad)
			require.GreaterOrEqual(t, len(sink.events), 3)
			var text strings.Builder
			for i := range sink.events {
				fmt.Fprintf(&text, "# item %d\n", sink.kept[i])
				describeEvent(&text, &sink.events[i])
			}
			for _, i := range sink.other {
				fmt.Fprintf(&text, "# item %d is no authentication event\n", i)
			}
			name := filepath.Join("testdata", d.Name+".golden")
			if *updateGolden {
				require.NoError(t, os.WriteFile(name, []byte(text.String()), 0o644))
			}
			golden, err := os.ReadFile(name)
			require.NoError(t, err)
			require.Equal(t, string(golden), text.String())
		})
	}
}

// describeEvent writes every field that says something, one a line.
func describeEvent(out *strings.Builder, e *session.Event) {
	v := reflect.ValueOf(e).Elem()
	for i := range v.NumField() {
		name, f := v.Type().Field(i).Name, v.Field(i)
		switch x := f.Interface().(type) {
		case []session.Attr:
			for _, a := range x {
				fmt.Fprintf(out, "%s %d %s = %s\n", name, a.Type, a.Key, a.Value)
			}
		case [16]byte, [8]byte:
			if !f.IsZero() {
				fmt.Fprintf(out, "%s %x\n", name, x)
			}
		default:
			switch {
			case f.IsZero() || f.Kind() == reflect.Slice && f.Len() == 0:
			case name == "Time":
				fmt.Fprintf(out, "%s %s\n", name, time.Unix(0, e.Time).UTC().Format(time.RFC3339Nano))
			default:
				fmt.Fprintf(out, "%s %v\n", name, x)
			}
		}
	}
}

// TestThreeEventsOfEachDialectSayWhoFromWhereHowAndWhy: the samples hold what a reader of the table asks for.
func TestThreeEventsOfEachDialectSayWhoFromWhereHowAndWhy(t *testing.T) {
	for _, d := range allDialects {
		sample, err := os.ReadFile(filepath.Join("testdata", d.Name+".json"))
		require.NoError(t, err)
		have := map[string]bool{}
		for _, e := range readBody(t, d.Name, FramingDocument, string(sample), testOrigin).events {
			have["success"] = have["success"] || e.Kind == session.KindLogin && e.Outcome == session.OutcomeSuccess
			have["failure"] = have["failure"] || e.Kind == session.KindLogin && e.Outcome == session.OutcomeFailure && e.ErrorType != "" && e.FailureReason != ""
			have["method"] = have["method"] || e.AuthMethod != "" || d.Name == "ecs" // which has no field for it
			have["client"] = have["client"] || e.ClientAddress != ""
			require.True(t, e.User != "" || e.UserEmpty, d.Name)
			require.False(t, e.RecordID.IsZero())
			require.NotZero(t, e.Time)
			require.NotEmpty(t, e.System)
			require.Equal(t, int64(42), e.Observed)
		}
		require.Equal(t, map[string]bool{"success": true, "failure": true, "method": true, "client": true}, have, d.Name)
	}
}
