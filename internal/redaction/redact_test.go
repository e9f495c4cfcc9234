package redaction

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/session"
)

const redactKey = "0123456789abcdef"

// mistyped are user names as they arrive when a password goes into the wrong field.
var mistyped = []string{
	"hunter2", "correct horse", `qu"ote`, `back\slash`, "tick`s", "new\nline", "tab\tbed", "sl/ash", "<b>&amp;", "it's", "müller",
	"not UTF-8 \xff", "\x00nul", " spaces ", "a.b-c_d@e", "日本",
	strings.Repeat("n", 1<<20),
}

func failure(name string) session.Event {
	quoted, _ := json.Marshal(name)
	return session.Event{
		Kind: session.KindLogin, Outcome: session.OutcomeFailure, Time: 1, System: session.SystemClickHouse, User: name, UserID: name,
		FailureReason: name + ": Authentication failed: password is incorrect, or there is no user with such name.",
		Message:       "login of " + name + " failed",
		Original:      `{"user":` + string(quoted) + `,"failure_reason":"` + name + `"}`,
		ErrorType:     session.ErrorInvalidCredentials,
		Extra:         []session.Attr{{Key: session.SourceField + "attempted", Value: "as " + name + "!"}, {Key: "app.n", Value: "7", Type: session.AttrInt}},
	}
}

func redactedCopy(mode string, events ...session.Event) []session.Event {
	return New(Config{Preset: PresetNone, Users: mode, Key: redactKey}).RedactEvents(events)
}

func TestANameThatMayBeAPasswordVanishes(t *testing.T) {
	for _, name := range mistyped {
		for _, mode := range []string{ModeHash, ModeDrop} {
			source := failure(name)
			e := redactedCopy(mode, source)[0]
			for field, text := range map[string]string{
				"User": e.User, "UserID": e.UserID, "FailureReason": e.FailureReason, "Message": e.Message, "Original": e.Original,
				"Extra": e.Extra[0].Value,
			} {
				for _, spelling := range nameSpellings(name) {
					require.False(t, strings.Contains(text, spelling), "%s of %.40q, %s", field, name, mode)
				}
			}
			require.Contains(t, e.FailureReason, "Authentication failed")
			require.Equal(t, session.ErrorInvalidCredentials, e.ErrorType)
			require.Equal(t, "7", e.Extra[1].Value)
			require.Equal(t, failure(name), source, "the source's own page must not change")
		}
	}
}

func TestSpellings(t *testing.T) {
	for name, want := range map[string][]string{
		"hunter2":   {"hunter2"},
		"spaced  ":  {"spaced"},
		`qu"ote`:    {`qu""ote`, `qu\"ote`, `qu"ote`},
		"it's":      {`it''s`, `it\'s`, `it's`},
		"a/b":       {`a\/b`, `a/b`},
		"new\nline": {`new\nline`, "new\nline"},
	} {
		got := nameSpellings(name)
		require.Subset(t, got, want, name)
		require.True(t, slices.IsSortedFunc(got, func(a, b string) int { return len(b) - len(a) }), name)
	}
}

func TestAHashTellsEqualNamesOnlyToWhoHasTheKey(t *testing.T) {
	mac := hmac.New(sha256.New, []byte(redactKey))
	mac.Write([]byte("hunter2"))
	got := redactedCopy(ModeHash, failure("hunter2"), failure("hunter2"), failure("hunter3"))
	require.Equal(t, hex.EncodeToString(mac.Sum(nil)), got[0].UserHash)
	require.Equal(t, got[0].UserHash, got[1].UserHash)
	require.NotEqual(t, got[0].UserHash, got[2].UserHash)
	require.Empty(t, redactedCopy(ModeDrop, failure("hunter2"))[0].UserHash)
}

func TestOnlyFailedLoginsAreRedacted(t *testing.T) {
	success := failure("alice")
	success.Outcome = session.OutcomeSuccess
	nameless := failure("")
	for _, mode := range []string{ModeKeep, ModeHash, ModeDrop} {
		require.Equal(t, []session.Event{success, nameless}, redactedCopy(mode, success, nameless))
	}
	require.Nil(t, New(Config{Preset: PresetNone}), "nothing is hidden")
}
