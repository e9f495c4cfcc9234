package redshift

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/redshiftlog"
	"github.com/otel-sessionlog/sessionlog/receiver/source/poll"
	"github.com/otel-sessionlog/sessionlog/session"
)

func TestClock(t *testing.T) {
	for text, want := range map[string]string{
		"2026-11-22 00:05:01.123456": "2026-11-22T00:05:01.123456Z", "2026-11-22 00:05:01": "2026-11-22T00:05:01Z", "2026-11-22 23:59:59.5": "2026-11-22T23:59:59.5Z",
		"1969-12-31 23:59:59.999999": "1969-12-31T23:59:59.999999Z", "0001-01-01 00:00:00": "0001-01-01T00:00:00Z", "2024-02-29 12:00:00.000010+00": "2024-02-29T12:00:00.00001Z",
	} {
		got, err := parseTimestamp([]byte(text))
		require.NoError(t, err, text)
		require.Equal(t, want, time.UnixMicro(got).UTC().Format(time.RFC3339Nano))
	}
	for _, text := range []string{
		"", "infinity", "2026-11-22", "22/11/2026 00:05:01", "2026-11-22 00:05:01 BC", "2026-13-22 00:05:01", "2026-11-22 0x:05:01", "2026-11-22 00:05:01.",
		"2026-11-22 00:05:01.12x", "2026-11-22T00:05:01", "2026-11-22 00:05:01+05:30", "10000-01-01 00:00:00",
	} {
		_, err := parseTimestamp([]byte(text))
		require.Error(t, err, text)
	}
}

func TestWrapped(t *testing.T) {
	for text, want := range map[string]uint64{
		"0": 0, "18446744073709551615": math.MaxUint64, "18446744073709551616": 0, "36893488147419103239": 7, "-1": math.MaxUint64, "42.000": 42,
		"99999999999999999999999999999999999999": 687399551400673279,
	} {
		got, err := parseModulo64([]byte(text))
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "-", "x", "1e5", ".5"} {
		_, err := parseModulo64([]byte(text))
		require.Error(t, err, text)
	}
}

// A server's arithmetic is ours, in every corner.
func TestTheServerReckonsAsWeDo(t *testing.T) {
	s := cluster.Get(t)
	numbers := []int64{0, 1, -1, 7, 98031, hashPrime - 1, hashPrime, hashPrime + 1, -hashPrime - 1, math.MaxInt32, math.MinInt32, math.MaxInt64, math.MinInt64, 7460885}
	for range 20 {
		numbers = append(numbers, rand.Int64()-rand.Int64())
	}
	seen := map[uint64]bool{}
	var sum uint64
	var values []string
	for _, pid := range numbers {
		for _, spent := range numbers {
			values = append(values, "("+strconv.FormatInt(pid, 10)+", "+strconv.FormatInt(spent, 10)+")")
			h := rowHash(pid, spent)
			seen[h] = true
			sum += h
		}
	}
	s.Exec(t, "CREATE TABLE numbers (pid bigint, duration bigint); INSERT INTO numbers VALUES "+strings.Join(values, ", "))
	rows := s.Query(t, "SELECT sum(CAST(c_hash AS numeric(38, 0))), count(DISTINCT c_hash) FROM ("+rowHashSQL("now()", "pid", "duration", "numbers")+") h")
	got, err := parseModulo64([]byte(rows[0][0]))
	require.NoError(t, err)
	require.Equal(t, sum, got)
	require.Equal(t, strconv.Itoa(len(seen)), rows[0][1])
}

func fieldsOfSYS() (fields []pgconn.FieldDescription) {
	for _, c := range logColumns {
		oid := map[columnKind]uint32{integerNumber: pgtype.Int4OID, instantTime: pgtype.TimestampOID}[c.kind]
		if oid == 0 {
			oid = pgtype.BPCharOID
		}
		fields = append(fields, pgconn.FieldDescription{Name: c.names[len(c.names)-1], DataTypeOID: oid})
	}
	return append(fields, pgconn.FieldDescription{Name: `odd "name"`, DataTypeOID: pgtype.BPCharOID})
}

func TestStatements(t *testing.T) {
	l, err := layoutOfFields("sys_connection_log", fieldsOfSYS())
	require.NoError(t, err)
	r := poll.TimeRange{From: 1_795_305_600_000_000, To: 1_795_305_660_000_000}
	for name, sql := range map[string]string{
		"read": l.selectRowsSQL(r), "sums": l.selectSumsSQL(r, "minute", true), "counts": l.selectSumsSQL(poll.AllTimes, "day", false), "sample": l.selectSampleSQL(r),
	} {
		golden, err := os.ReadFile(filepath.Join("testdata", name+".sql"))
		require.NoError(t, err)
		require.Equal(t, string(golden), sql+"\n", name)
	}
}

func TestTextsAreShared(t *testing.T) {
	texts := textCache{}
	for i := range 3 * maxCachedTexts {
		want := strconv.Itoa(i)
		require.Equal(t, want, texts.intern([]byte(want)))
		require.LessOrEqual(t, len(texts), maxCachedTexts)
	}
	same := unsafe.StringData(texts.intern([]byte("::1")))
	require.Same(t, same, unsafe.StringData(texts.intern([]byte("::1"))))
	long := strings.Repeat("x", longestCached+1)
	require.Equal(t, long, texts.intern([]byte(long)))
	require.NotContains(t, texts, long)
}

// Five: the texts of numbers that have no field, and those that nearly all differ.
func TestARowTakesFiveAllocations(t *testing.T) {
	l, err := layoutOfFields("sys_connection_log", fieldsOfSYS())
	require.NoError(t, err)
	b := newRowBuffer(redshiftlog.NewMapper("warehouse"), true)
	values := make([][]byte, len(l.columns))
	for i, c := range l.columns {
		switch {
		case c.logColumn == nil:
		case c.kind == integerNumber || c.names[0] == "remoteport":
			values[i] = []byte("66790")
		default:
			values[i] = []byte("::ffff:10.0.0.1                               ")
		}
	}
	var e session.Event
	perRow := testing.AllocsPerRun(1000, func() {
		b.resetRows()
		for range 100 {
			if err := b.appendRow(1_795_305_901_123_456, l.columns, values); err != nil {
				t.Error(err)
			}
		}
		b.sortTies()
		for i := range b.Len() {
			b.Event(i, &e)
		}
	}) / 100
	require.Less(t, perRow, 5.2)
}
