package session_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/session"
)

func TestOneSpellingOfAClientsAddress(t *testing.T) {
	for _, test := range []struct {
		text string
		port int32
		want string
		then int32
	}{
		{"", 0, "", 0},
		{"192.0.2.1", 7, "192.0.2.1", 7},
		{"192.0.2.1:5000", 0, "192.0.2.1", 5000},
		{"192.0.2.1:5000", 7, "192.0.2.1", 7},
		{"2001:db8::1", 0, "2001:db8::1", 0},
		{"[2001:db8::1]:443", 0, "2001:db8::1", 443},
		{"[2001:db8::1]", 0, "2001:db8::1", 0},
		{"fe80::1%eth0", 0, "fe80::1%eth0", 0},
		{"::ffff:192.0.2.1", 0, "192.0.2.1", 0},
		{"::FFFF:192.0.2.1", 0, "192.0.2.1", 0},
		{"[::ffff:192.0.2.1]:443", 0, "192.0.2.1", 443},
		{"192.0.2.1, 10.0.0.1", 0, "192.0.2.1", 0},
		{"192.0.2.1:5000,10.0.0.1", 0, "192.0.2.1", 5000},
		{"host, 10.0.0.1", 0, "host, 10.0.0.1", 0},
		{"-", 7, "", 7},
		{"Unknown", 0, "", 0},
		{"(null)", 0, "", 0},
		{"[local]", 0, "[local]", 0},
		{"/run/socket:5", 0, "/run/socket:5", 0},
		{"db-1.example.net:5432", 0, "db-1.example.net:5432", 0},
		{"192.0.2.1:99999", 0, "192.0.2.1:99999", 0},
	} {
		e := session.Event{ClientAddress: test.text, ClientPort: test.port}
		e.NormalizeClient()
		require.Equal(t, test.want, e.ClientAddress, test.text)
		require.Equal(t, test.then, e.ClientPort, test.text)
	}
	e := session.Event{ClientAddress: "2001:db8::1"}
	require.Zero(t, testing.AllocsPerRun(10, e.NormalizeClient))
}
