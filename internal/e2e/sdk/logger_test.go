package sdk_test

import (
	"context"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/backendtest"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/sqlite"
	"github.com/otel-sessionlog/sessionlog/exporter/backendexporter"
	sessionlog "github.com/otel-sessionlog/sessionlog/sdk"
	"github.com/otel-sessionlog/sessionlog/sdk/blocking"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

// table is an exporter with a real table behind it.
type table struct {
	cfg      sqlite.Config
	exporter *backendexporter.Exporter
}

func newExporter(t *testing.T) table {
	t.Helper()
	cfg := sqlite.DefaultConfig()
	cfg.Path, cfg.BusyTimeout = filepath.Join(t.TempDir(), "session_log.db"), 10*time.Millisecond
	exporter, err := backendexporter.New(t.Context(), sqlite.New, cfg)
	require.NoError(t, err)
	return table{cfg, exporter}
}

// store is an application's provider with a real table behind it.
type store struct {
	table
	provider *sdklog.LoggerProvider
}

func newStore(t *testing.T, opts ...sdklog.LoggerProviderOption) *store {
	t.Helper()
	s := &store{table: newExporter(t)}
	res := resource.NewWithAttributes(semconv.SchemaURL, semconv.ServiceName("shop"), semconv.ServiceInstanceID("shop-1"), semconv.HostName("web-0"))
	s.provider = sdklog.NewLoggerProvider(append([]sdklog.LoggerProviderOption{
		sdklog.WithProcessor(blocking.NewProcessor(s.exporter)), sdklog.WithResource(res),
	}, opts...)...)
	t.Cleanup(func() { require.NoError(t, s.provider.Shutdown(context.WithoutCancel(t.Context()))) })
	return s
}

// events are what the table holds.
func (s table) events(t *testing.T) (list []session.Event) {
	t.Helper()
	for e, err := range backendtest.StoredEvents(t.Context(), sqlite.OpenQueryStore, s.cfg, "arrival") {
		require.NoError(t, err)
		var kept session.Event
		e.CopyTo(&kept)
		list = append(list, kept)
	}
	return list
}

var span = trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1, 2}, SpanID: trace.SpanID{3}, TraceFlags: trace.FlagsSampled})

func TestALoginAFailureAndALogout(t *testing.T) {
	s := newStore(t)
	log := sessionlog.NewLogger(s.provider, sessionlog.Namespace("shop"))
	ctx := trace.ContextWithSpanContext(t.Context(), span)
	ctx = sessionlog.ContextWith(ctx, sessionlog.Client(netip.MustParseAddr("::ffff:192.0.2.7"), 4711), sessionlog.UserAgent("curl/8"))

	require.NoError(t, log.Failure(ctx, sessionlog.User("alice"), sessionlog.AuthMethod(session.AuthPassword),
		sessionlog.ErrorType(session.ErrorInvalidCredentials), sessionlog.Reason("wrong password"), sessionlog.Durable()))
	require.NoError(t, log.Login(ctx, sessionlog.User("alice"), sessionlog.UserID("17"), sessionlog.Roles("admin", "buyer"),
		sessionlog.AuthMethod(session.AuthOIDC), sessionlog.AuthType("google"), sessionlog.SessionToken("cookie of alice"),
		sessionlog.Attributes(attribute.String("shop.tenant", "eu"), attribute.String("shop.note", "\xff"), attribute.String("user.name", "forged")), sessionlog.Durable()))
	require.NoError(t, log.Logout(ctx, sessionlog.User("alice"), sessionlog.SessionToken("cookie of alice"), sessionlog.Duration(90*time.Second)))

	got := s.events(t)
	require.Len(t, got, 3)
	failure, login, logout := got[0], got[1], got[2]
	for _, e := range got {
		require.Equal(t, "alice", e.User)
		require.Equal(t, "192.0.2.7", e.ClientAddress)
		require.EqualValues(t, 4711, e.ClientPort)
		require.Equal(t, "curl/8", e.UserAgent)
		require.Equal(t, [2]any{[16]byte(span.TraceID()), [8]byte(span.SpanID())}, [2]any{e.TraceID, e.SpanID})
		require.Equal(t, [3]string{"shop", "shop-1", "web-0"}, [3]string{e.System, e.Instance, e.Host})
		require.WithinDuration(t, time.Now(), time.Unix(0, e.Time), time.Minute)
	}
	require.Equal(t, []any{session.KindLogin, session.OutcomeFailure, "wrong password", session.ErrorInvalidCredentials},
		[]any{failure.Kind, failure.Outcome, failure.FailureReason, failure.ErrorType})
	require.Equal(t, []any{session.KindLogin, session.OutcomeSuccess, "17", "oidc", "google"}, []any{login.Kind, login.Outcome, login.UserID, login.AuthMethod, login.AuthType})
	require.Equal(t, []string{"admin", "buyer"}, login.Roles)
	require.Contains(t, login.Extra, session.Attr{Key: "shop.tenant", Value: "eu"})
	require.Contains(t, login.Extra, session.Attr{Key: "shop.note", Value: "/w==", Type: session.AttrBytes})
	require.Equal(t, "login succeeded: user=alice client=192.0.2.7 port=4711 method=oidc", login.Message)
	require.Equal(t, []any{session.KindLogout, int64(90 * time.Second)}, []any{logout.Kind, logout.Duration})
	require.Equal(t, login.SessionKey, logout.SessionKey, "a logout finds its login")
	require.False(t, login.SessionKey.IsZero())
	require.NotContains(t, login.SessionID, "cookie", "a cookie opens a session: it is not kept")
	require.Len(t, login.SessionID, 32)
}

// TestEveryFieldArrives walks an event whose every field is filled through the SDK and into a table.
func TestEveryFieldArrives(t *testing.T) {
	s := newStore(t)
	log := sessionlog.NewLogger(s.provider)
	for _, hostile := range []bool{false, true} {
		want := sessiontest.Full()
		want.Extra, want.TraceID, want.SpanID = nil, [16]byte{}, [8]byte{}
		want.System, want.Instance, want.Host = "shop", "shop-1", "web-0" // the resource's
		want.RecordID[15]++
		if hostile {
			want.RecordID[15]++
			want.User, want.Roles[1], want.Settings[0].Value, want.Message = "a\xffb", "\xfe", "\xc3\x28", "\xff"
			want.Settings[1].Name = want.Settings[0].Name
		}
		require.NoError(t, log.Login(t.Context(), sessionlog.Set(func(e *session.Event) { want.CopyTo(e) }), sessionlog.Durable()))
		all := s.events(t)
		got := all[len(all)-1]
		require.Contains(t, got.Extra, session.Attr{Key: "otel.scope.name", Value: sessionlog.ScopeName})
		got.Extra = nil
		require.Equal(t, *want, got)
	}
}

func TestAnEmptyNameIsNoMissingName(t *testing.T) {
	s := newStore(t)
	log := sessionlog.NewLogger(s.provider)
	require.NoError(t, log.Failure(t.Context(), sessionlog.User("")))
	require.NoError(t, log.Failure(t.Context()))
	got := s.events(t)
	require.True(t, got[0].UserEmpty)
	require.False(t, got[1].UserEmpty)
}

// TestTheRecordIDOutlivesLimits: an application may limit attributes by the environment; a record without id would be refused.
func TestTheRecordIDOutlivesLimits(t *testing.T) {
	for _, limit := range []sdklog.LoggerProviderOption{sdklog.WithAttributeCountLimit(1), sdklog.WithAttributeValueLengthLimit(4), sdklog.WithAttributeCountLimit(0)} {
		s := newStore(t, limit)
		log := sessionlog.NewLogger(s.provider)
		for range 2 {
			require.NoError(t, log.Login(t.Context(), sessionlog.User("alice"), sessionlog.Durable()))
		}
		require.Len(t, s.events(t), 2)
	}
}
