package spool_test

import (
	"context"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	"go.opentelemetry.io/otel/log"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	sessionlog "github.com/otel-sessionlog/sessionlog/sdk"
	"github.com/otel-sessionlog/sessionlog/sdk/spool"
	"github.com/otel-sessionlog/sessionlog/session/deadletter/deadlettertest"
)

// picky is an OTLP receiver that refuses every request with a user it does not like, for good.
type picky struct {
	plogotlp.UnimplementedGRPCServer
	mu     sync.Mutex
	users  []string
	closed atomic.Bool // for who is too early
	turned atomic.Int64
}

func (p *picky) Export(_ context.Context, req plogotlp.ExportRequest) (plogotlp.ExportResponse, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var names []string
	for _, rl := range req.Logs().ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, lr := range sl.LogRecords().All() {
				v, _ := lr.Attributes().Get("user.name")
				if v.Str() == "poison" {
					return plogotlp.ExportResponse{}, status.Error(codes.InvalidArgument, "not this one")
				}
				if v.Str() == "too early" && p.closed.Load() {
					p.turned.Add(1)
					return plogotlp.ExportResponse{}, status.Error(codes.Unavailable, "later")
				}
				names = append(names, v.Str())
			}
		}
	}
	p.users = append(p.users, names...)
	return plogotlp.NewExportResponse(), nil
}

// collected is an application whose spool is delivered to a picky receiver, over real OTLP.
func collected(t *testing.T) (a *app, receiver *picky, dir string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	receiver = &picky{}
	server := grpc.NewServer()
	plogotlp.RegisterGRPCServer(server, receiver)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() { server.Stop(); <-served })

	exporter, err := otlploggrpc.New(t.Context(), otlploggrpc.WithEndpoint(listener.Addr().String()), otlploggrpc.WithInsecure(),
		otlploggrpc.WithRetry(otlploggrpc.RetryConfig{Enabled: false}))
	require.NoError(t, err)
	dir, _ = paths(t)
	p, err := spool.NewProcessor(dir, exporter, spool.WithRefused(func(err error) bool { return status.Code(err) == codes.InvalidArgument }))
	require.NoError(t, err)
	return newApp(p), receiver, dir
}

// TestTextThatIsNotUTF8StopsNobody: OTLP has no such strings, in whatever place and by whichever logger.
func TestTextThatIsNotUTF8StopsNobody(t *testing.T) {
	quiet(t)
	a, receiver, _ := collected(t)
	hostile := []attribute.KeyValue{
		attribute.String("text", "a\xffb"), attribute.StringSlice("texts", []string{"\xfe"}), attribute.Slice("list", attribute.StringValue("\xfd")),
		attribute.Map("map", attribute.String("\xfc", "\xfb")), attribute.String("\xfa", ""),
	}
	require.NoError(t, a.Failure(t.Context(), sessionlog.User("hostile"), sessionlog.Attributes(hostile...), sessionlog.Durable()))
	var r log.Record
	r.SetEventName("sessionlog.login")
	r.SetBody(attribute.StringValue("\xf9"))
	r.AddAttributes(append(hostile, attribute.String("user.name", "another logger's"))...)
	a.provider.Logger("shop").Emit(t.Context(), r)
	require.NoError(t, a.Login(t.Context(), sessionlog.User("alice"), sessionlog.Durable()))
	a.leave(t)
	ours := slices.DeleteFunc(slices.Clone(receiver.users), func(name string) bool { return name == "another logger's" })
	require.Len(t, receiver.users, 3)
	require.Equal(t, []string{"hostile", "alice"}, ours, "the OTLP exporter gives the scopes of one batch in any order")
}

// TestMegabytesStopNobody: a collector takes 4 MiB at once. What anybody may type is cut; of what the application itself tells, a
// record is told to be too large, or fits.
func TestMegabytesStopNobody(t *testing.T) {
	a, receiver, _ := collected(t)
	long := strings.Repeat("é", 3<<20)
	require.NoError(t, a.Failure(t.Context(), sessionlog.User(long), sessionlog.UserAgent(long), sessionlog.Durable()))
	err := a.Login(t.Context(), sessionlog.Reason(long), sessionlog.Durable())
	require.ErrorIs(t, err, sessionlog.ErrNotDurable)
	require.ErrorContains(t, err, "more than the spool takes")
	const large = 8
	for range large {
		require.NoError(t, a.Login(t.Context(), sessionlog.User("large"), sessionlog.Reason(long[:(1<<20)/3]), sessionlog.Durable()))
	}
	a.leave(t)
	require.Equal(t, append([]string{long[:1024]}, slices.Repeat([]string{"large"}, large)...), receiver.users)
}

// TestPoisonAmongGoodOnes: over real OTLP, a record that the collector refuses for good is kept aside and stops nobody.
func TestPoisonAmongGoodOnes(t *testing.T) {
	reports := quiet(t)
	a, receiver, dir := collected(t)
	for _, name := range []string{"alice", "poison", "bob", "poison", "carol"} {
		require.NoError(t, a.Login(t.Context(), sessionlog.User(name), sessionlog.Durable()))
	}
	a.leave(t)
	require.Equal(t, []string{"alice", "bob", "carol"}, receiver.users)
	n := 0
	for entry, err := range deadlettertest.Read(dir + "/refused") {
		require.NoError(t, err)
		require.Contains(t, entry.Reason, "not this one")
		v, _ := entry.Record.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Attributes().Get("user.name")
		require.Equal(t, "poison", v.Str())
		n++
	}
	require.Equal(t, 2, n)
	require.Equal(t, 2, *reports)
}

// TestPoisonIsKeptOnceWhileOthersWait: behind the poison stands a record that the collector does not take for a while. Whatever
// is tried again meanwhile, what stands before it is not.
func TestPoisonIsKeptOnceWhileOthersWait(t *testing.T) {
	quiet(t)
	a, receiver, dir := collected(t)
	receiver.closed.Store(true)
	receiver.mu.Lock() // until they are one batch
	for _, name := range []string{"first", "alice", "poison", "too early", "poison", "bob"} {
		require.NoError(t, a.Login(t.Context(), sessionlog.User(name), sessionlog.Durable()))
	}
	receiver.mu.Unlock()
	require.Eventually(t, func() bool { return receiver.turned.Load() >= 3 }, patience, time.Millisecond)
	receiver.closed.Store(false)
	a.leave(t)
	require.Equal(t, []string{"first", "alice", "too early", "bob"}, receiver.users)
	n := 0
	for _, err := range deadlettertest.Read(dir + "/refused") {
		require.NoError(t, err)
		n++
	}
	require.Equal(t, 2, n)
}

// quiet keeps the reports of damage out of the tests' output, and counts them.
func quiet(t testing.TB) *int {
	n := new(int)
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(error) { *n++ }))
	t.Cleanup(func() { otel.SetErrorHandler(otel.ErrorHandlerFunc(func(error) {})) })
	return n
}
