package redaction

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/plogs"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
	"github.com/otel-sessionlog/sessionlog/testengine"
)

const canary = "S3cretPw0rd"

// policies are every way to hide a name.
func policies() map[string]Config {
	return map[string]Config{
		"evidence":            {Preset: PresetEvidence, Key: redactKey},
		"gdpr":                {Preset: PresetGDPR, Key: redactKey},
		"drop":                {Users: ModeDrop},
		"hash, all addresses": {Users: ModeHash, On: OnAll, Addresses: ModeHash, Key: redactKey},
		"drop, addresses too": {Users: ModeDrop, On: OnAll, Addresses: ModeDrop, Key: redactKey},
	}
}

// everywhere is an event that has the text in every field that a client or a sender may write, in every spelling.
func everywhere(text string) *session.Event {
	e := sessiontest.Full()
	v := reflect.ValueOf(e).Elem()
	for i := range v.NumField() {
		switch f := v.Type().Field(i); {
		case f.Name == "System" || f.Name == "Instance" || f.Name == "AuthMethod" || f.Name == "ErrorType" || f.Name == "Correlation" || f.Name == "TLSVersion":
		case f.Name == "UserHash" || f.Name == "CertificateNotBefore" || f.Name == "CertificateNotAfter":
		case f.Type.Kind() == reflect.String:
			v.Field(i).SetString("x-" + text + "-y")
		}
	}
	e.User, e.UserID, e.Database, e.ClientAddress = text, "id:"+text, text, "192.0.2.15"
	e.Roles, e.Profiles, e.CertificateSubjects = []string{text, "analyst"}, []string{text}, []string{"CN=" + text}
	e.Settings = []session.Setting{{Name: text, Value: "1"}, {Name: "log_comment", Value: "by " + strings.ToUpper(text)}}
	e.Extra = []session.Attr{
		{Key: "app." + text, Value: "1", Type: session.AttrInt},
		{Key: "app.raw", Value: base64.StdEncoding.EncodeToString([]byte("user=" + text)), Type: session.AttrBytes},
		{Key: "user.email", Value: "someone@example.com"},
	}
	for i, s := range nameSpellings(text) {
		e.Extra = append(e.Extra, session.Attr{Key: fmt.Sprintf("app.%d", i), Value: `{"name":"` + s + `"}`, Type: session.AttrJSON})
	}
	return e
}

// holds looks for the text in any spelling, in upper or lower case, in all that is stored of an event.
func holds(e *session.Event, text string) string {
	stored := string(e.AppendCanonical(nil))
	for _, a := range e.Extra {
		if raw, err := base64.StdEncoding.DecodeString(a.Value); err == nil && a.Type == session.AttrBytes {
			stored += string(raw)
		}
	}
	for _, s := range nameSpellings(text) {
		if at := strings.Index(strings.ToLower(stored), strings.ToLower(s)); at >= 0 {
			return fmt.Sprintf("%.80q", stored[max(0, at-20):])
		}
	}
	return ""
}

func TestNoFieldHoldsTheNameAfterwards(t *testing.T) {
	for name, c := range policies() {
		require.NoError(t, c.Validate(), name)
		p := New(c)
		for _, text := range []string{canary, "müller secret", `a"b'c\d`, "correct horse/battery", "a@b.example", "日本語パスワード", "not UTF-8 \xff\xfe", "tab\tnew\nline"} {
			e := everywhere(text)
			p.HideWithIDs(e)
			require.Empty(t, holds(e, text), "%s of %q", name, text)
			require.Equal(t, session.SystemClickHouse, e.System)
		}
	}
}

// TestANameThatIsNoTextIsHidden: it came as a list or an object, and no field has it.
func TestANameThatIsNoTextIsHidden(t *testing.T) {
	for name, c := range policies() {
		for _, key := range []string{"user.name", "user", "enduser.id", "user.full_name", session.SourceField + "user.name", session.SourceField + "user"} {
			e := session.Event{Kind: session.KindLogin, Outcome: session.OutcomeFailure, Extra: []session.Attr{{Key: key, Value: `{"name":["` + canary + `"]}`, Type: session.AttrJSON}}}
			New(c).RedactEvent(&e)
			require.Empty(t, holds(&e, canary), "%s of %s", name, key)
		}
	}
	stays := session.Event{Outcome: session.OutcomeFailure, Extra: []session.Attr{{Key: "user_agent.original", Value: "curl"}, {Key: "username_of_nobody", Value: "x"}}}
	New(Config{Users: ModeDrop}).RedactEvent(&stays)
	require.Equal(t, []string{"curl", "x"}, []string{stays.Extra[0].Value, stays.Extra[1].Value})
}

// TestTwiceIsOnce: receiver and exporter may have the same block.
func TestTwiceIsOnce(t *testing.T) {
	for name, c := range policies() {
		p := New(c)
		for _, address := range []string{"192.0.2.15", "2001:db8:1:2::3", "[local]", "host.example", "", "10.0.0.0"} {
			for _, outcome := range []session.Outcome{session.OutcomeFailure, session.OutcomeSuccess, session.OutcomeUnknown} {
				e := everywhere(canary)
				e.Outcome, e.ClientAddress = outcome, address
				once := p.RedactEvents([]session.Event{*e})
				logs := plogs.NewEncoder("").Encode(once)
				var twice session.Event
				for _, again := range plogs.NewDecoder().Hiding(p.Apply).All(logs) {
					again.CopyTo(&twice)
				}
				require.Equal(t, fmt.Sprintf("%q", once[0].AppendCanonical(nil)), fmt.Sprintf("%q", twice.AppendCanonical(nil)), "%s, %s", name, address)
			}
		}
	}
}

// TestACutNameIsOne: servers cut database and application names.
func TestACutNameIsOne(t *testing.T) {
	long := strings.Repeat("LongSecret", 10)
	e := session.Event{Outcome: session.OutcomeFailure, User: long, Database: long[:63], ApplicationName: "psql"}
	New(Config{Users: ModeDrop}).RedactEvent(&e)
	require.Equal(t, Redacted, e.Database)
	require.Equal(t, "psql", e.ApplicationName)
}

// TestAShortNameIsAWord: db is no part of words, and 7 none of numbers.
func TestAShortNameIsAWord(t *testing.T) {
	e := session.Event{
		Outcome: session.OutcomeFailure, User: "db", UserID: "7", Database: "db", SourceEvent: "feedback", FailureReason: `no role "db" in feedbacks`, StatusCode: "1727",
	}
	New(Config{Users: ModeDrop}).RedactEvent(&e)
	require.Equal(t, session.Event{
		Outcome: session.OutcomeFailure, Database: Redacted, SourceEvent: "feedback", FailureReason: `no role "[redacted]" in feedbacks`, StatusCode: "1727", Extra: e.Extra,
	}, e)
}

func TestAddresses(t *testing.T) {
	for _, c := range []struct{ mode, address, want, text, wantText string }{
		{ModePrefix, "192.0.2.15", "192.0.2.0", "from 192.0.2.15:5432, not 192.0.2.150", "from 192.0.2.0:5432, not 192.0.2.150"},
		{ModePrefix, "192.0.2.15", "192.0.2.0", "::ffff:192.0.2.15", "192.0.2.0"},
		{ModePrefix, "2001:db8:1:2::3", "2001:db8:1::", "host=2001:0DB8:1:2:0:0:0:3 port=1", "host=2001:db8:1:: port=1"},
		{ModeDrop, "192.0.2.15", "", "rhost=192.0.2.15  user=x", "rhost=[redacted]  user=x"},
		{ModePrefix, "laptop-of-alice.example", "", "by laptop-of-alice.example.", "by [redacted]."},
		{ModePrefix, "[local]", "[local]", "[local]", "[local]"},
		{ModeDrop, "127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.1"},
	} {
		p := New(Config{Addresses: c.mode, Key: redactKey})
		e := session.Event{Outcome: session.OutcomeSuccess, User: "alice", ClientAddress: c.address, FailureReason: c.text}
		p.RedactEvent(&e)
		require.Equal(t, c.want, e.ClientAddress, c.address)
		require.Equal(t, c.wantText, e.FailureReason, c.text)
		require.Equal(t, "alice", e.User)
	}
	e := session.Event{ClientAddress: "192.0.2.15", Extra: []session.Attr{{Key: "http.request.header.x-forwarded-for", Value: "198.51.100.7, 203.0.113.9"}, {Key: "version", Value: "26.7.3.1 built"}}}
	New(Config{Addresses: ModeDrop, Key: redactKey}).RedactEvent(&e)
	require.Equal(t, []string{"[redacted], [redacted]", "26.7.3.1 built"}, []string{e.Extra[0].Value, e.Extra[1].Value})
}

// TestIDsOverAddressesAreKeyed: whoever knows all but the address cannot find it by trying.
func TestIDsOverAddressesAreKeyed(t *testing.T) {
	id := func(address string) (e session.Event) {
		var h session.Hasher
		e = session.Event{Kind: session.KindLogin, Time: 1_795_000_000_123_000_000, ClientAddress: address}
		e.RecordID, e.SessionKey = h.Start("record", "sshd", "i").Str(address).RecordID(e.Time), h.Start("session", "sshd", "i").Str(address).Key()
		return e
	}
	plain := id("192.0.2.15")
	for _, mode := range []string{ModePrefix, ModeHash, ModeDrop} {
		p, other := New(Config{Addresses: mode, Key: redactKey}), New(Config{Addresses: mode, Key: redactKey + "x"})
		hidden, again, elsewhere := p.RedactEvents([]session.Event{plain})[0], p.RedactEvents([]session.Event{plain})[0], other.RedactEvents([]session.Event{plain})[0]
		require.NotEqual(t, plain.RecordID, hidden.RecordID)
		require.NotEqual(t, plain.SessionKey, hidden.SessionKey)
		require.Equal(t, plain.RecordID[:6], hidden.RecordID[:6], "the time stays")
		require.Equal(t, byte(0x80), hidden.RecordID[6]&0xf0)
		require.Equal(t, hidden.RecordID, again.RecordID, "read again it is the same")
		require.NotEqual(t, hidden.RecordID, elsewhere.RecordID, "by the key")
		update := plain
		for _, key := range []string{session.AttrLoginUID, session.AttrCorrects} {
			update.Extra = []session.Attr{{Key: key, Value: plain.RecordID.String()}}
			require.Equal(t, hidden.RecordID.String(), p.RedactEvents([]session.Event{update})[0].Extra[0].Value, "an update still names its login")
			require.Len(t, New(Config{Attributes: ModeDrop, Key: redactKey}).RedactEvents([]session.Event{update})[0].Extra, 1)
		}
	}
	withSessionID := plain
	withSessionID.SessionID = "source's own"
	require.Equal(t, plain.SessionKey, New(Config{Addresses: ModeDrop, Key: redactKey}).RedactEvents([]session.Event{withSessionID})[0].SessionKey, "made of that id alone")
}

func TestPresetsAreWhatTheDocsSay(t *testing.T) {
	for name, p := range presetConfigs {
		require.Contains(t, docs(t), fmt.Sprintf("| `%s` | `%s` | `%s` | `%s` | `%s` | `%s` | `%s` |", name, p.Users, p.On, p.Addresses, p.Settings, p.Original, p.Attributes))
	}
}

// TestTheCommandThatHashesAName runs what the docs say: no argument of a program holds name or key, which the list of processes would show.
func TestTheCommandThatHashesAName(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		testengine.Missing(t, "python3", "apt-get install python3")
	}
	command := regexp.MustCompile("(?s)```sh\n(printf %s alice .*?)\n```").FindStringSubmatch(docs(t))
	require.Len(t, command, 2)
	var out, trace bytes.Buffer
	cmd := exec.Command("bash", "-xc", command[1]) //nolint:gosec // the docs' own
	cmd.Env = append(os.Environ(), "REDACT_KEY="+redactKey)
	cmd.Stdout, cmd.Stderr = &out, &trace
	require.NoError(t, cmd.Run(), trace.String())
	e := session.Event{User: "alice"}
	New(Config{Users: ModeHash, Key: redactKey}).RedactEvent(&e)
	require.Equal(t, e.UserHash+"\n", out.String())
	require.Contains(t, trace.String(), "+ python3")
	require.NotContains(t, trace.String(), redactKey)
	require.Contains(t, trace.String(), "+ printf %s alice", "bash's own: no process")
	require.NotContains(t, docs(t), `-hmac "$`)
}

func docs(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/security.md")
	require.NoError(t, err)
	return string(text)
}
