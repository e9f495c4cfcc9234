// Package sessiontest makes events for tests: one with every field filled, so that a field that is forgotten somewhere
// is noticed, and many that look like real ones.
package sessiontest

import (
	"bytes"
	"fmt"
	"reflect"

	"github.com/otel-sessionlog/sessionlog/session"
)

// Full is an event whose every field holds a value that no other field holds.
func Full() *session.Event {
	e := &session.Event{}
	v := reflect.ValueOf(e).Elem()
	for i := range v.NumField() {
		fillField(v.Type().Field(i).Name, v.Field(i), i)
	}
	e.Kind, e.Outcome = session.KindLogin, session.OutcomeFailure
	e.UserEmpty = false                                // it says that User is empty, which it is not
	e.System, e.Severity = session.SystemClickHouse, 3 // a severity that OTel has
	e.Time, e.Observed = 1_795_000_000_123_456_789, 1_795_000_009_000_000_001
	e.Extra = []session.Attr{
		{Key: session.SourceField + "mtu", Value: "1500"},
		{Key: "app.tries", Value: "3", Type: session.AttrInt},
		{Key: "app.score", Value: "0.5", Type: session.AttrDouble},
		{Key: "app.remembered", Value: "true", Type: session.AttrBool},
		{Key: "app.digest", Value: "AP8=", Type: session.AttrBytes},
		{Key: "app.claims", Value: `{"aud":["a","b"],"n":1}`, Type: session.AttrJSON},
		{Key: "app.nothing", Type: session.AttrEmpty},
	}
	return e
}

func fillField(name string, f reflect.Value, n int) {
	switch f.Kind() {
	case reflect.String:
		f.SetString(fmt.Sprintf("%s-%d \"quoted\" ü", name, n))
	case reflect.Int64, reflect.Int32:
		f.SetInt(int64(n + 1))
	case reflect.Uint32, reflect.Uint8:
		f.SetUint(uint64(n + 1))
	case reflect.Bool:
		f.SetBool(true)
	case reflect.Array:
		for i := range f.Len() {
			f.Index(i).SetUint(uint64(n + i + 1))
		}
	case reflect.Slice:
		f.Set(reflect.MakeSlice(f.Type(), 2, 2))
		for i := range 2 {
			fillElement(name, f.Index(i), i)
		}
	default:
		panic("sessiontest: no filler for " + name + " of kind " + f.Kind().String())
	}
}

func fillElement(name string, f reflect.Value, n int) {
	if f.Kind() == reflect.String {
		fillField(name, f, n)
		return
	}
	for i := range f.NumField() {
		if f.Field(i).Kind() == reflect.String {
			fillField(name, f.Field(i), 10*n+i)
		}
	}
}

// Minimal is the least that an event can be.
func Minimal() *session.Event {
	return &session.Event{Kind: session.KindLogin, Time: 1, Observed: 2, RecordID: session.ID{15: 1, 6: 0x80, 8: 0x80}}
}

// Typical fills e with the n-th of a row of events like those that a ClickHouse writes: a login and a logout in turn, every
// tenth pair a failure. Equal n give equal events. It does not allocate more than its texts need.
func Typical(e *session.Event, n int) {
	e.Reset()
	pair := n / 2
	e.System, e.Instance, e.Host = session.SystemClickHouse, "warehouse", "ch-0.example.net"
	e.Kind, e.Outcome, e.SourceEvent = session.KindLogin, session.OutcomeSuccess, "LoginSuccess"
	e.Time = 1_790_000_000_000_000_000 + int64(n)*1_234_000
	e.Observed = e.Time + 7_500_000_000
	e.User = users[pair%len(users)]
	e.AuthType, e.AuthMethod, e.Interface = "SHA256_PASSWORD", session.AuthPassword, "TCP"
	e.ClientAddress, e.ClientPort = addresses[pair%len(addresses)], int32(1024+pair%60000)
	e.ClientName, e.ClientVersion, e.ClientRevision = "billing/1.2.3 clickhouse-go/2.50.0 (lv:go/1.26.8; os:linux)", "2.50.0", 54460
	var h session.Hasher
	h.Start("typical", e.System, e.Instance).Int(int64(pair))
	e.SessionKey = h.Key()
	e.SessionID = e.SessionKey.String()
	e.RecordID = h.Int(int64(n)).RecordID(e.Time)
	switch {
	case pair%10 == 9:
		e.Outcome, e.SourceEvent, e.AuthMethod, e.AuthType = session.OutcomeFailure, "LoginFailure", "", "NO_PASSWORD"
		e.ErrorType, e.StatusCode = session.ErrorInvalidCredentials, "516"
		e.FailureReason = "Code: 516. DB::Exception: Authentication failed: password is incorrect, or there is no user with such name. (AUTHENTICATION_FAILED)"
	case n%2 == 1:
		e.Kind, e.SourceEvent = session.KindLogout, "Logout"
	default:
		e.Roles, e.Profiles = append(e.Roles, "analyst", "loader"), append(e.Profiles, "default", "analysts")
		e.Settings = append(e.Settings, session.Setting{Name: "max_threads", Value: "2"}, session.Setting{Name: "max_memory_usage", Value: "1000000000"})
	}
}

var (
	users     = []string{"alice", "bob", "carol", "etl_writer", "grafana", "default", "dave", "billing"}
	addresses = []string{"10.0.0.7", "10.0.0.8", "192.0.2.15", "203.0.113.42", "2001:db8::17", "198.51.100.7", "10.1.2.3"}
)

// SameContent tells whether two events have the same id and say the same, whenever and by whom they were read.
func SameContent(a, b *session.Event) bool {
	return a.RecordID == b.RecordID && bytes.Equal(a.AppendContent(nil), b.AppendContent(nil))
}
