package export_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

// Events keep nanoseconds in 64 bits: a row of another age is a bad row. A certificate may well be valid until then.
func TestTimesThatEventsCannotKeep(t *testing.T) {
	row := func(at, more string) string {
		return `{"type":"LoginSuccess","auth_id":"` + testAuthID + `","event_time_microseconds":` + at + more + "}\n"
	}
	for at, ok := range map[string]bool{
		`"2261-12-31 23:59:59.999999"`: true, `"2262-01-01 00:00:00.000000"`: false, `"2299-12-31 23:59:59.000000"`: false, `"9999-12-31T23:59:59Z"`: false,
		`"0001-01-01 00:00:00"`: false, `"1900-01-01 00:00:00"`: true, `9214646399999999`: true, `9214646400000000`: false, `99999999999`: false,
		`99999999999999999`: false, `9214646399.5`: true,
	} {
		events, bad := parseExport(t, "JSONEachRow", jsonObject("")+row(at, "")+jsonObject(""), time.UTC)
		require.Len(t, bad, map[bool]int{true: 0, false: 1}[ok], at)
		require.Len(t, events, 3-len(bad), at)
		for i := range events {
			require.Greater(t, time.Unix(0, events[i].Time).UTC().Year(), 1899, at)
		}
	}
	events, bad := parseExport(t, "JSONEachRow", jsonObject(`,"certificate_not_after":"2299-12-31 23:59:59"`), time.UTC)
	require.Empty(t, bad)
	require.Equal(t, "2299-12-31T23:59:59Z", events[0].CertificateNotAfter)
}

// Rows of a megabyte of whatever costs most take no neighbour along, and end in time.
func TestHugeAndBinaryRows(t *testing.T) {
	const much = 1 << 20
	for _, in := range []string{
		`,"x":` + strings.Repeat("[", much), `,"settings":` + strings.Repeat("[", much), `,"quotas":` + strings.Repeat(`[{"`, much/3),
		`,"user":"` + strings.Repeat(`\`, much), `,"user":"` + strings.Repeat(`\"`, much/2), `,"roles":"` + strings.Repeat(`['\\'`, much/6) + `"`,
		`,"x":` + strings.Repeat("9", much) + `,"x`, strings.Repeat(`,"x":1`, much/6) + `,"x`, strings.Repeat("\x00", much),
	} {
		events, bad := parseExport(t, "JSONEachRow", jsonObject("")+jsonObject(in)+jsonObject(""), time.UTC)
		require.Equal(t, 2, len(events), in[:20]) // they would be printed whole
		require.Len(t, bad, 1, in[:20])
		require.Less(t, len(bad[0]), 200)
	}
	for _, in := range []string{strings.Repeat(`"",`, much/3), `"` + strings.Repeat(`""`, much/2) + `"x`, strings.Repeat("\x00,", much/2)} {
		events, bad := parseExport(t, "CSVWithNames", csvNames+csvRow(`"a"`)+in+"\n"+csvRow(`"b"`), time.UTC)
		require.Equal(t, 2, len(events), in[:5])
		require.Len(t, bad, 1, in[:5])
	}
}

// Names of columns that are not UTF-8 are the same after a restart, in the header too.
func TestColumnsThatAreNotUTF8(t *testing.T) {
	text := "type\tauth_id\tevent_time\tx\xff\nLoginSuccess\t" + testAuthID + "\t1795278639\ta\nLoginSuccess\t" + testAuthID + "\t1795278640\tb\n"
	f, _ := logformat.FindFormat(allFormats(), "TSVWithNames")
	o := logformat.Options{Instance: "i", Zone: time.UTC}
	lines := strings.SplitAfter(text, "\n")
	first, batch, at := f.New(o), &logformat.EventBatch{}, int64(0)
	for _, line := range lines[:2] {
		require.NoError(t, first.Parse(line, at, batch))
		at += int64(len(line))
	}
	anchor, state := first.ResumeOffset(), first.ResumeState()
	second := f.New(o)
	require.NoError(t, second.Restore(anchor, state, false))
	require.NoError(t, second.Parse(lines[2], at, batch))
	require.Len(t, batch.Events, 2)
	require.Equal(t, batch.Events[0].Extra[0].Key, batch.Events[1].Extra[0].Key)
	require.True(t, strings.HasSuffix(batch.Events[1].Extra[0].Key, "x\xff"))
}
