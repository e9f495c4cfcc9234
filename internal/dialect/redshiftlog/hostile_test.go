package redshiftlog_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/session"
)

func good(user string) string {
	return recordLine("authenticated", "Sun, 01 Jan 2023 01:05:07:120", "10.0.0.7", "50112", 4711, user, "password", 0, guid)
}

// A name with line ends in it, and with what looks like a record, is one name of one failure, however its text is cut.
func TestNamesWithLineEnds(t *testing.T) {
	forged := strings.TrimSuffix(recordLine("authenticated", "Sun, 01 Jan 2023 01:05:07:121", "10.1.1.1", "1", 1, "root", "password", 0, guid), "\n")
	for _, name := range []string{"x\ny", "\n", "x\n\n", "x\n" + forged, "x\n" + forged + "\n", "x\n" + forged + "\ny", "x|\n|" + forged + "\n|"} {
		text := good("alice") + recordLine("authentication failure", "Sun, 01 Jan 2023 01:05:07:121", "10.6.6.6", "5", 9, name, "", 0, "") + good("bob")
		events, _ := parse(t, newLineParser(""), text)
		users := map[string]bool{}
		for i := range events {
			e := &events[i]
			users[e.User] = true
			require.True(t, e.Outcome == session.OutcomeFailure || e.User == "alice" || e.User == "bob", "%q: %s of %q", name, e.Outcome, e.User)
			require.NotEqual(t, "10.1.1.1", e.ClientAddress)
		}
		require.True(t, users["alice"] && users["bob"], "%q", name)
		require.Len(t, events, 3, "%q", name)
		require.True(t, strings.HasPrefix(name, events[1].User) && events[1].User != "", "%q", name)
	}
}

// A name whose last line ends as a record's names do becomes a record of its own with what stands behind it. It is told with
// its text, as all that is doubtful; a true one behind a torn one is, too.
func TestARecordBehindACutNameIsDoubtful(t *testing.T) {
	name := "x\nauthenticated |Sun, 01 Jan 2023 01:05:07:121|10.1.1.1 |1 |1|dev |root"
	failure := recordLine("authentication failure", "Sun, 01 Jan 2023 01:05:07:121", "10.6.6.6", "5", 9, name, "", 0, "")
	events, bad := parse(t, newLineParser(""), good("alice")+failure+good("bob"))
	require.Len(t, bad, 1)
	require.Len(t, events, 3)
	require.Equal(t, "root", events[1].User)
	_, second, _ := strings.Cut(failure, "\n")
	require.Equal(t, strings.TrimSpace(second), events[1].Original)
	require.Empty(t, events[0].Original+events[2].Original)
}

// A torn line, wherever it was torn, takes no neighbour along, at the end of a text neither.
func TestLinesTornAtEveryByte(t *testing.T) {
	torn := good("mallory")
	for n := 1; n < len(torn)-1; n++ {
		text := good("a") + torn[:n] + "\n" + good("b") + torn[:min(n, 60)] + "\n" + good("c") + strings.TrimSuffix(good("d"), "\n")
		events, _ := parse(t, newLineParser(""), text)
		users := map[string]int{}
		for i := range events {
			users[events[i].User]++
		}
		for _, user := range []string{"a", "b", "c", "d"} {
			require.Equal(t, 1, users[user], "torn after %d bytes: %q of %v", n, user, users)
		}
	}
}

func TestHugeAndBinaryLines(t *testing.T) {
	begin := "authenticated |Sun, 01 Jan 2023 01:05:07:120|10.0.0.7 |50112 |4711|dev |"
	for _, in := range []string{
		strings.Repeat("|", 1<<20), begin + strings.Repeat("x", 1<<20), begin + strings.Repeat("0|", 1<<20), strings.Repeat(begin+"\n", 2000), strings.Repeat("\x00|\xff", 1<<18),
	} {
		events, bad := parse(t, newLineParser(""), good("a")+in+"\n"+good("b"))
		require.Equal(t, 2, len(events)) // they would be printed whole
		require.NotEmpty(t, bad)
	}
	name := strings.Repeat("\xff\x00", 1<<18)
	events, bad := parse(t, newLineParser(""), good(name))
	require.Empty(t, bad)
	require.True(t, events[0].User == name)
}

// Times are UTC in the log, so no clock change matters; those that events cannot keep are none.
func TestTimesThatCannotBe(t *testing.T) {
	for stamp, ok := range map[string]bool{
		"Fri, 31 Dec 2261 23:59:59:999": true, "Sat, 01 Jan 2262 00:00:00:000": false, "Fri, 31 Dec 9999 23:59:59:999": false, "Sat, 01 Jan 0001 00:00:00:000": false,
		"Sun, 29 Mar 2026 02:30:00:000": true, "Sat, 29 Feb 2025 02:30:00:000": false,
	} {
		batch := &logformat.EventBatch{}
		err := newLineParser("").Parse(recordLine("authenticated", stamp, "10.0.0.7", "1", 1, "a", "password", 0, guid), 0, batch)
		require.Equal(t, ok, err == nil, stamp)
		if ok {
			require.Equal(t, stamp[5:25], time.Unix(0, batch.Events[0].Time).UTC().Format("02 Jan 2006 15:04:05"), stamp)
		}
	}
}
