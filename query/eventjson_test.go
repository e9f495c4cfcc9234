package query

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

// TestAnEventInJSON has every column that its event fills, and reads as what it is.
func TestAnEventInJSON(t *testing.T) {
	full := *sessiontest.Full()
	var object map[string]any
	require.NoError(t, json.Unmarshal(AppendEvent(nil, &full), &object))
	for i := range session.Fields {
		require.Contains(t, object, session.Fields[i].Column)
		text, present := EventText(&session.Fields[i], &full)
		require.True(t, present)
		require.NotEmpty(t, text)
	}

	sparse := session.Event{
		Kind: session.KindLogin, Outcome: session.OutcomeFailure, Time: 1_795_000_000_123_456_789, UserEmpty: true,
		RecordID: session.ID{15: 7}, Roles: []string{"a\xff", "\x1b"}, Settings: []session.Setting{{Name: "x", Value: "1"}},
		Extra: []session.Attr{{Key: "n", Value: "12", Type: session.AttrInt}, {Key: "torn", Value: "{", Type: session.AttrJSON}, {Key: "none", Type: session.AttrEmpty}, {Key: "bytes", Value: "\"\xfe\"", Type: session.AttrJSON}},
	}
	require.JSONEq(t, `{"kind":"login","outcome":"failure","time":"2026-11-18T11:06:40.123456789Z","user_name":"","record_id":"00000000000000000000000000000007",
		"roles":["a\\xff","\u001b"],"settings":{"x":"1"},"attributes":{"n":12,"torn":"{","none":null,"bytes":"\"\\xfe\""}}`, string(AppendEvent(nil, &sparse)))
	_, present := EventText(&session.Fields[len(session.Fields)-2], &sparse)
	require.False(t, present)
}
