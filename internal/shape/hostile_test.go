package shape

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/go-faster/jx"
	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/session"
)

// hostileEvents are 35 that a source or an attacker can make. The first word of the name says what it is about.
var hostileEvents = map[string]func(*session.Event){
	"address [local]":              func(e *session.Event) { e.ClientAddress = "[local]" },
	"address of a socket":          func(e *session.Event) { e.ClientAddress = "/var/run/postgresql/.s.PGSQL.5432" },
	"address with a zone":          func(e *session.Event) { e.ClientAddress = "fe80::1%eth0" },
	"address in brackets":          func(e *session.Event) { e.ClientAddress = "[2001:db8::17]" },
	"address with a port":          func(e *session.Event) { e.ClientAddress = "10.0.0.7:50112" },
	"address with leading zeros":   func(e *session.Event) { e.ClientAddress = "010.000.000.007" },
	"address mapped":               func(e *session.Event) { e.ClientAddress = "::ffff:10.0.0.7" },
	"address IPv6":                 func(e *session.Event) { e.ClientAddress, e.ServerAddress = "2001:db8::17", "2001:DB8::1" },
	"address of 1 MB":              func(e *session.Event) { e.ClientAddress = strings.Repeat("9", 1<<20) },
	"address absent, port there":   func(e *session.Event) { e.ClientAddress, e.ClientPort, e.OS = "", 5, "Linux" },
	"port 66790":                   func(e *session.Event) { e.ClientPort = 66790 },
	"port negative":                func(e *session.Event) { e.ClientPort, e.ServerPort = -1, math.MinInt32 },
	"server port alone":            func(e *session.Event) { e.Host, e.ServerAddress, e.ServerPort = "", "", 5432 },
	"user absent":                  func(e *session.Event) { e.User = "" },
	"user empty":                   func(e *session.Event) { e.User, e.UserEmpty = "", true },
	"user hashed":                  func(e *session.Event) { e.User, e.UserHash = "", "hmac:0011" },
	"user of 1 MB":                 func(e *session.Event) { e.User = strings.Repeat("a", 1<<20) },
	"user no UTF-8":                func(e *session.Event) { e.User, e.Roles = "al\xffice\xc3", []string{"a", "b\xff"} },
	"user with NUL":                func(e *session.Event) { e.User = "alice\x00root" },
	"user with newlines":           func(e *session.Event) { e.User = "alice\r\nCEF:0|x|y|z|1|n|9|" },
	"user with | = and backslash":  func(e *session.Event) { e.User = `a|b=c\ duser=root` },
	"user with spaces at its ends": func(e *session.Event) { e.User = " alice " },
	"user in JSON":                 func(e *session.Event) { e.User = `","admin":true,"x":"` },
	"user ends in $":               func(e *session.Event) { e.User = "HOST01$" },
	"system absent":                func(e *session.Event) { e.System, e.Instance, e.Host = "", "", "" },
	"roles 10,000":                 func(e *session.Event) { e.Roles = make([]string, 10_000); fillTexts(e.Roles) },
	"roles empty":                  func(e *session.Event) { e.Roles = []string{""} },
	"certificate without issuer":   func(e *session.Event) { e.CertificateSerial, e.CertificateSubjects = "0A", []string{"CN=alice"} },
	"certificate dates unreadable": func(e *session.Event) {
		e.CertificateSerial, e.CertificateIssuer, e.CertificateNotAfter = "0a:ff", "CN=ca", "soon"
	},
	"certificate of two subjects": func(e *session.Event) {
		e.CertificateSerial, e.CertificateIssuer, e.CertificateSubjects = "0A", "CN=ca", []string{"CN=a", "CN=b"}
	},
	"duration negative": func(e *session.Event) { e.Kind, e.Duration = session.KindLogout, math.MinInt64 },
	"time zero":         func(e *session.Event) { e.Time = 0 },
	"time before 1970":  func(e *session.Event) { e.Time = -1 },
	"settings twice": func(e *session.Event) {
		e.Settings = []session.Setting{{Name: "a", Value: "1"}, {Name: "a", Value: "2\xff"}, {Name: "a.b", Value: "3"}}
	},
	"attributes of the same name": func(e *session.Event) { e.Extra = sameAttributes },
	"attributes 5,000":            func(e *session.Event) { e.Extra = manyAttributes() },
	"attribute named like a field": func(e *session.Event) {
		e.Extra = []session.Attr{{Key: "user.name", Value: "root"}, {Key: "client.port", Value: "x"}}
	},
	"attribute that is JSON, torn": func(e *session.Event) {
		e.Extra = []session.Attr{{Key: "a", Value: `{"b":`, Type: session.AttrJSON}, {Key: "c", Value: "NaN", Type: session.AttrDouble}}
	},
	"attribute that is JSON, lines": func(e *session.Event) {
		e.Extra = []session.Attr{{Key: "a", Value: "{\n\"b\":\r\n1}", Type: session.AttrJSON}}
	},
	"attribute that is JSON with a name twice": func(e *session.Event) {
		e.Extra = []session.Attr{{Key: "a", Value: `{"b":1,"\u0062":2}`, Type: session.AttrJSON}, {Key: "c", Value: `[{"d":[{"e":1,"e":2}]}]`, Type: session.AttrJSON}}
	},
	"attribute named like a member of ours": func(e *session.Event) {
		e.User, e.Roles = "", []string{"\xff"}
		e.Extra = []session.Attr{
			{Key: "sessionlog.user", Value: "1"},
			{Key: "user.roles_base64", Value: "2"},
			{Key: "timestamp", Value: "3"},
			{Key: "event_name", Value: "4"},
			{Key: "observed_timestamp", Value: "5"},
			{Key: "body", Value: "6"},
			{Key: "trace_id", Value: "7"},
			{Key: "attribute_list", Value: "8"},
		}
	},
	"attribute named like a member of ours, user no UTF-8, time zero": func(e *session.Event) {
		e.User, e.Time = "\xff", 0
		e.Extra = []session.Attr{{Key: "user.name_base64", Value: "1"}, {Key: "timestamp", Value: "2"}, {Key: "severity_number", Value: "3"}}
	},
	"attribute of an outcome that is no word of ours": func(e *session.Event) {
		e.Outcome, e.Extra = session.OutcomeUnknown, []session.Attr{{Key: session.AttrOutcome, Value: "perhaps"}}
	},
	"attribute names of 1 MB": func(e *session.Event) {
		e.Extra = []session.Attr{{Key: strings.Repeat("k", 1<<20), Value: "1"}, {Key: "b", Value: "2"}}
	},
	"attribute names with dots": func(e *session.Event) { e.Extra = dottedAttributes },
	"process of another sign":   func(e *session.Event) { e.PID = -7 },
}

// refusedFlat is what the source http does not take back of flat JSON, and why.
var refusedFlat = map[string]string{
	"time zero": "its time cannot be read", "time before 1970": "its time cannot be read",
	"attribute named like a member of ours, user no UTF-8, time zero": "its time cannot be read",
	"roles 10,000": "more than 10000 values in one item", "attributes 5,000": "more than 10000 values in one item",
}

var sameAttributes = []session.Attr{
	{Key: "a", Value: "1"},
	{Key: "a", Value: "2"},
	{Key: "a_", Value: "3"},
	{Key: "a", Value: "4\xff"},
	{Key: "a_base64", Value: "5"},
	{Key: "", Value: "6"},
	{Key: "_", Value: "7"},
	{Key: "n\x00l", Value: "8"},
	{Key: "u\xff", Value: "9"},
	{Key: "a.b", Value: "10"},
}

// dottedAttributes are what Elasticsearch takes for paths: it refuses a document whose path ends in a value and goes on, or has an empty part.
var dottedAttributes = []session.Attr{
	{Key: "db.system", Value: "1"},
	{Key: "db.system.name", Value: "2"},
	{Key: "db_system", Value: "3"},
	{Key: ".", Value: "4"},
	{Key: "a..b", Value: "5"},
	{Key: ".a", Value: "6"},
	{Key: "a.", Value: "7"},
	{Key: " ", Value: "8"},
	{Key: "\t", Value: "9"},
}

// TestAttributesOfNestedShapesAreNoPaths: documents of one index must not contradict each other.
func TestAttributesOfNestedShapesAreNoPaths(t *testing.T) {
	e := usualEvent(session.KindLogin)
	for _, format := range []Format{ECS, CIM} {
		e.Extra = dottedAttributes
		var document struct {
			Sessionlog struct {
				Attributes map[string]any `json:"attributes"`
			} `json:"sessionlog"`
		}
		require.NoError(t, json.Unmarshal(New(format, everyKind).Append(nil, e), &document))
		require.Len(t, document.Sessionlog.Attributes, len(dottedAttributes))
		for name := range document.Sessionlog.Attributes {
			require.NotContains(t, name, ".")
			require.NotEmpty(t, strings.TrimSpace(name))
		}
		e.Extra = []session.Attr{{Key: strings.Repeat("k", maxNameLength+1), Value: "1"}}
		document.Sessionlog.Attributes = nil
		require.NoError(t, json.Unmarshal(New(format, everyKind).Append(nil, e), &document))
		require.Contains(t, document.Sessionlog.Attributes, "attribute_list")
	}
}

func fillTexts(texts []string) {
	for i := range texts {
		texts[i] = fmt.Sprint("role ", i)
	}
}

func manyAttributes() []session.Attr {
	attrs := make([]session.Attr, 5_000)
	for i := range attrs {
		attrs[i] = session.Attr{Key: fmt.Sprint("k", i/2), Value: fmt.Sprint("value ", i)}
	}
	return attrs
}

// TestHostileEvents: each is a valid document in each shape, in one line, and nothing of it is lost.
func TestHostileEvents(t *testing.T) {
	check := validators(t)
	require.GreaterOrEqual(t, len(hostileEvents), 30)
	for name, spoil := range hostileEvents {
		t.Run(name, func(t *testing.T) {
			for _, kind := range []session.Kind{session.KindLogin, session.KindLogout} {
				e := usualEvent(kind)
				spoil(e)
				if kind == session.KindLogout && len(e.AppendContent(nil)) > 100_000 {
					continue // once is enough, and reading it takes long
				}
				for _, format := range Formats() {
					document := New(format, everyKind).Append(nil, e)
					shown := document[:min(len(document), 3000)]
					require.NotContains(t, string(document), "\n", "%s", format)
					if refusal := refusedFlat[name]; refusal != "" && format == Flat {
						require.ErrorContains(t, check[format](document), refusal)
					} else {
						require.NoError(t, check[format](document), "%s: %s", format, shown)
					}
					require.Empty(t, missingTexts(format, document, e), "%s: %s", format, shown)
					if format != CEF {
						requireUniqueKeys(t, document)
					}
				}
			}
		})
	}
}

func usualEvent(kind session.Kind) *session.Event {
	return &session.Event{
		Kind: kind, Outcome: session.OutcomeSuccess, Time: 1_795_000_000_123_456_789, Observed: 1_795_000_001_000_000_000, System: session.SystemPostgreSQL, Instance: "golden", Host: "db-1",
		User: "alice", ClientAddress: "10.0.0.7", ClientPort: 50112, AuthMethod: session.AuthPassword, RecordID: session.ID{1}, SessionKey: session.ID{2},
	}
}

// requireUniqueKeys: Elasticsearch refuses a document that has a name twice.
func requireUniqueKeys(t *testing.T, document []byte) {
	t.Helper()
	var walk func(*jx.Decoder) error
	walk = func(d *jx.Decoder) error {
		switch d.Next() {
		case jx.Array:
			return d.Arr(walk)
		case jx.Object:
			seen := map[string]bool{}
			return d.Obj(func(d *jx.Decoder, name string) error {
				if seen[name] {
					return fmt.Errorf("%q is there twice", name)
				}
				seen[name] = true
				return walk(d)
			})
		}
		return d.Skip()
	}
	require.NoError(t, walk(jx.DecodeBytes(document)))
}

// TestHostileValuesStandWhereTheyAreTaken: what a shape refuses is not in the field that would refuse it.
func TestHostileValuesStandWhereTheyAreTaken(t *testing.T) {
	for _, c := range []struct {
		event  string
		format Format
		path   string
		want   any
	}{
		{"address [local]", ECS, "source.address", "[local]"},
		{"address [local]", ECS, "source.ip", nil},
		{"address [local]", OCSF, "src_endpoint.name", "[local]"},
		{"address [local]", OCSF, "src_endpoint.ip", nil},
		{"address with a zone", ECS, "source.ip", nil},
		{"address with a zone", OCSF, "src_endpoint.name", "fe80::1%eth0"},
		{"port 66790", OCSF, "src_endpoint.port", nil},
		{"port 66790", OCSF, "unmapped.client%port", 66790.},
		{"port 66790", ECS, "source.port", nil},
		{"port 66790", ECS, "sessionlog.client.port", 66790.},
		{"user absent", OCSF, "user.name", "unknown"},
		{"user absent", OCSF, "unmapped.sessionlog%user", "absent"},
		{"user absent", ECS, "user", nil},
		{"user empty", OCSF, "user.name", ""},
		{"user hashed", OCSF, "user.uid", "hmac:0011"},
		{"user hashed", OCSF, "user.name", nil},
		{"user no UTF-8", ECS, "sessionlog.user.name_base64", "YWz/aWNlww=="},
		{"user no UTF-8", OCSF, "unmapped.user%name_base64", "YWz/aWNlww=="},
		{"certificate without issuer", OCSF, "certificate", nil},
		{"certificate without issuer", OCSF, "unmapped.sessionlog%certificate%serial", "0A"},
		{"certificate dates unreadable", ECS, "tls.client.not_after", nil},
		{"certificate dates unreadable", OCSF, "unmapped.tls%client%not_after", "soon"},
		{"system absent", OCSF, "service.name", "unknown"},
		{"attribute named like a field", Flat, "user%name", "alice"},
		{"attribute named like a field", Flat, "user%name_", "root"},
		{"attribute named like a member of ours", OCSF, "unmapped.sessionlog%user", "absent"},
		{"attribute named like a member of ours", Flat, "trace_id", nil},
		{"attribute of an outcome that is no word of ours", Flat, "sessionlog%outcome", "perhaps"},
		{"user absent", CIM, "user", nil},
		{"time zero", ECS, "@timestamp", "1970-01-01T00:00:00Z"},
		{"time before 1970", OCSF, "time", -1.},
		{"time before 1970", CIM, "time", "-0.000000001"},
	} {
		e := usualEvent(session.KindLogin)
		hostileEvents[c.event](e)
		var document any
		require.NoError(t, json.Unmarshal(New(c.format, everyKind).Append(nil, e), &document))
		for _, name := range strings.Split(c.path, ".") {
			object, _ := document.(map[string]any)
			document = object[strings.ReplaceAll(name, "%", ".")]
		}
		require.Equal(t, c.want, document, "%s %s %s", c.event, c.format, c.path)
	}
	logout := usualEvent(session.KindLogout)
	require.NotContains(t, string(New(CIM, everyKind).Append(nil, logout)), `"action"`)
	require.False(t, New(CIM, Options{}).Includes(logout))
	zone := usualEvent(session.KindLogin)
	hostileEvents["user of 1 MB"](zone)
	require.NotContains(t, string(New(CEF, Options{}).Append(nil, zone)), "duser=", "it would be cut")
}
