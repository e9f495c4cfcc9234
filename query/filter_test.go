package query_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/query"
)

var now = time.Date(2026, 11, 29, 8, 0, 0, 0, time.UTC)

func parse(t *testing.T, text string) (query.Filter, error) {
	t.Helper()
	values, err := url.ParseQuery(text)
	require.NoError(t, err)
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	return query.ParseFilter(values, now, berlin, "limit")
}

func TestAFilterIsItsQueryString(t *testing.T) {
	for text, again := range map[string]string{
		"":                                               "",
		"limit=20":                                       "",
		"user_name=alice":                                "user_name=alice",
		"user_name=al*&-user_name=alf":                   "-user_name=alf&user_name=al%2A",
		`user_name=al\*`:                                 "user_name=al%5C%2A",
		"absent=trace_id&-absent=user_name":              "-absent=user_name&absent=trace_id",
		"from=2026-11-28&to=2026-11-28":                  "from=2026-11-27T23%3A00%3A00Z&to=2026-11-28T23%3A00%3A00Z",
		"from=-24h&to=now":                               "from=2026-11-28T08%3A00%3A00Z&to=2026-11-29T08%3A00%3A00Z",
		"from=2026-11-28 10:15":                          "from=2026-11-28T09%3A15%3A00Z",
		"to=2026-11-28T10:15:00.000000001Z":              "to=2026-11-28T10%3A15%3A00.000000001Z",
		"client_address=10.0.0.0/8":                      "client_address=10.0.0.0%2F8",
		"client_address=::ffff:192.0.2.1":                "client_address=%3A%3Affff%3A192.0.2.1%2F128",
		`client_address=\::ffff:192.0.2.1`:               "client_address=%5C%3A%3Affff%3A192.0.2.1",
		`client_address=\10.0.0.0/8`:                     "client_address=%5C10.0.0.0%2F8",
		"outcome=failed&-outcome=OK":                     "-outcome=success&outcome=failure",
		"from=-7d":                                       "from=2026-11-22T08%3A00%3A00Z",
		`client_address=\10.0.0.0/33`:                    "client_address=%5C10.0.0.0%2F33",
		`client_address=\\10.0.0.0/8`:                    "client_address=%5C%5C10.0.0.0%2F8",
		"user_name=10.0.0.0/8":                           "user_name=10.0.0.0%2F8",
		"-server_address=2001:db8::/32":                  "-server_address=2001%3Adb8%3A%3A%2F32",
		"client_port=8080&user_name=":                    "client_port=8080&user_name=",
		"record_id=019ed477-6f58-8c2d-b50b-37debe54596c": "record_id=019ed477-6f58-8c2d-b50b-37debe54596c",
	} {
		f, err := parse(t, text)
		require.NoError(t, err, text)
		require.Equal(t, again, f.Values().Encode(), text)
		f2, err := parse(t, again)
		require.NoError(t, err)
		require.Equal(t, f.Values(), f2.Values())
	}
}

func TestWhatNoColumnHoldsIsAnError(t *testing.T) {
	for text, want := range map[string]string{
		"user=alice":                    `"user" is no column that can be searched: there are kind, outcome`,
		"attributes=x":                  "is no column that can be searched",
		"client_port=http":              `client_port: "http" is no whole number`,
		"client_port=80*":               "client_port: only texts have a beginning",
		"trace_id=12":                   `trace_id: "12" is no id of 16 bytes in hexadecimal digits`,
		"absent=time":                   `"time" is no column that can be searched`,
		"outcome=broken":                `outcome: "broken" is none of success, failure, unknown`,
		"-outcome=":                     "none of success, failure, unknown",
		"client_address=10.0.0.0/33":    `client_address: "10.0.0.0/33" is no network`,
		"from=yesterday":                `from: "yesterday" is no time: write 2026-11-29`,
		"from=1026-01-01":               `from: "1026-01-01" is no time that a record can have`,
		"to=9999-12-31":                 `to: "9999-12-31" is no time that a record can have`,
		"from=2026-11-29&to=2026-11-27": "is not before to",
	} {
		_, err := parse(t, text)
		require.ErrorContains(t, err, want, text)
	}
	_, err := parse(t, strings.Repeat("-kind=a&", 501))
	require.ErrorContains(t, err, "501 conditions: at most 500")
	_, err = parse(t, "user=a&client_port=b")
	require.ErrorContains(t, err, "client_port")
	require.ErrorContains(t, err, `"user"`)
}

func TestPositionsAreRead(t *testing.T) {
	for _, text := range []string{"", "1", "x_019ed477-6f58-8c2d-b50b-37debe54596c", "1_zz"} {
		_, err := query.ParsePosition(text)
		require.Error(t, err, text)
	}
	p, err := query.ParsePosition("-5_019ed477-6f58-8c2d-b50b-37debe54596c")
	require.NoError(t, err)
	require.Equal(t, "-5_019ed477-6f58-8c2d-b50b-37debe54596c", p.String())
}
