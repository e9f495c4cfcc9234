package sessionlogreceiver

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otel-sessionlog/sessionlog/receiver/source"
)

// sourceFunc is a source that does what one test needs.
type sourceFunc func(ctx context.Context, host source.Host) error

func (f sourceFunc) Run(ctx context.Context, host source.Host) error { return f(ctx, host) }

// idle reads nothing until it is stopped.
func idle(ctx context.Context, _ source.Host) error {
	<-ctx.Done()
	return nil
}

func newTestReceiver(t *testing.T, src sourceFunc, next consumer.Logs, change func(*Config)) (*logsReceiver, *observer.ObservedLogs) {
	t.Helper()
	config := createDefaultConfig().(*Config)
	config.DeadLetter.Directory = filepath.Join(t.TempDir(), "letters")
	if change != nil {
		change(config)
	}
	set := receivertest.NewNopSettings(componentType)
	core, logs := observer.New(zap.InfoLevel)
	set.Logger = zap.New(core)
	r, err := newReceiver(set, config, "test", src, next)
	require.NoError(t, err)
	return r, logs
}

func TestStopWithoutStart(t *testing.T) {
	r, _ := newTestReceiver(t, idle, consumertest.NewNop(), nil)
	require.NoError(t, r.Shutdown(t.Context()))
}

// Of many bad rows the first is logged at once and the others once a minute: at the end what no minute came for.
func TestTheLastBadRowsAreLoggedAtTheEnd(t *testing.T) {
	r, logs := newTestReceiver(t, func(_ context.Context, host source.Host) error {
		for range 5 {
			host.Stats.BadRows(1, "row", errBusy)
		}
		return nil
	}, consumertest.NewNop(), nil)
	require.NoError(t, r.Start(t.Context(), newTestHost()))
	<-r.sourceDone
	require.NoError(t, r.Shutdown(t.Context()))
	lines := logs.FilterMessage("rows cannot be read").All()
	require.Len(t, lines, 2)
	require.EqualValues(t, 4, lines[1].ContextMap()["rows"])
}

func TestManyStartsAndStops(t *testing.T) {
	host := newTestHost().withFileStorage(t, t.TempDir(), nil)
	for range 20 {
		r, _ := newTestReceiver(t, idle, consumertest.NewNop(), func(c *Config) { c.Storage = &fileStorageID })
		require.NoError(t, r.Start(t.Context(), host))
		require.NoError(t, r.Shutdown(t.Context()))
	}
}

// The collector's start has a context of its own, whose end is not the receiver's.
func TestTheSourceOutlivesTheStartsContext(t *testing.T) {
	running := make(chan struct{})
	r, _ := newTestReceiver(t, func(ctx context.Context, _ source.Host) error {
		running <- struct{}{}
		<-ctx.Done()
		return nil
	}, consumertest.NewNop(), nil)
	ctx, cancel := context.WithCancel(t.Context())
	require.NoError(t, r.Start(ctx, newTestHost()))
	cancel()
	<-running
	select {
	case <-r.sourceDone:
		t.Fatal("the source was stopped with the start's context")
	default:
	}
	require.NoError(t, r.Shutdown(t.Context()))
}

func TestAStopWaitsOnlyAsLongAsItMay(t *testing.T) {
	release := make(chan struct{})
	r, _ := newTestReceiver(t, func(context.Context, source.Host) error {
		<-release
		return nil
	}, consumertest.NewNop(), nil)
	require.NoError(t, r.Start(t.Context(), newTestHost()))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorContains(t, r.Shutdown(ctx), "the source test is still at work")
	close(release)
	require.NoError(t, r.Shutdown(t.Context()))
}

func TestWithoutStorageAWarningSaysWhatThatMeans(t *testing.T) {
	r, logs := newTestReceiver(t, idle, consumertest.NewNop(), nil)
	require.NoError(t, r.Start(t.Context(), newTestHost()))
	require.NoError(t, r.Shutdown(t.Context()))
	require.Equal(t, 1, logs.FilterMessageSnippet("no storage is set").FilterLevelExact(zap.WarnLevel).Len())
}

func TestASourcesTroubleIsTheComponentsStatus(t *testing.T) {
	trouble := errors.New("the server is away")
	host := newTestHost()
	r, _ := newTestReceiver(t, func(ctx context.Context, h source.Host) error {
		for _, err := range []error{nil, trouble, trouble, nil, nil} {
			h.Status(err)
		}
		return idle(ctx, h)
	}, consumertest.NewNop(), nil)
	require.NoError(t, r.Start(t.Context(), host))
	host.waitFor(t, func(s string) bool { return s == "StatusOK" })
	require.NoError(t, r.Shutdown(t.Context()))
	have, _ := host.statuses()
	require.Equal(t, []string{"StatusRecoverableError", "StatusOK"}, have, "only news is told")
}

func TestASourcesErrorIsFatal(t *testing.T) {
	broken := errors.New("this can never work")
	host := newTestHost()
	r, _ := newTestReceiver(t, func(context.Context, source.Host) error { return broken }, consumertest.NewNop(), nil)
	require.NoError(t, r.Start(t.Context(), host))
	host.waitFor(t, func(s string) bool { return s == "StatusFatalError" })
	require.ErrorIs(t, host.last().Err(), broken)
	require.NoError(t, r.Shutdown(t.Context()))
}

func TestASourceMayHaveDeliveredEverything(t *testing.T) {
	host := newTestHost()
	r, logs := newTestReceiver(t, func(context.Context, source.Host) error { return nil }, consumertest.NewNop(), nil)
	require.NoError(t, r.Start(t.Context(), host))
	<-r.sourceDone
	require.NoError(t, r.Shutdown(t.Context()))
	have, _ := host.statuses()
	require.Empty(t, have)
	require.Equal(t, 1, logs.FilterMessageSnippet("has delivered everything").Len())
}

func TestARefusalStopsTheReceiverForGood(t *testing.T) {
	next := &testPipeline{respond: func(context.Context, int, plog.Logs) error { return consumererror.NewPermanent(errPoison) }}
	host := newTestHost()
	r, _ := newTestReceiver(t, func(ctx context.Context, h source.Host) error {
		for ctx.Err() == nil { // a source that would try for ever
			_ = h.Emit(ctx, page("alice"))
		}
		return nil
	}, next, func(c *Config) { c.OnRefused = RefusedStop })
	require.NoError(t, r.Start(t.Context(), host))
	host.waitFor(t, func(s string) bool { return s == "StatusFatalError" })
	require.ErrorIs(t, host.last().Err(), errPoison)
	require.Len(t, next.told(), 1)
	require.NoError(t, r.Shutdown(t.Context()))
}

// deafHost is a collector that is on its way out: it no longer listens to fatal errors.
type deafHost struct {
	component.Host
	asked   chan struct{}
	release chan struct{}
}

func (h *deafHost) Report(*componentstatus.Event) {
	close(h.asked)
	<-h.release
}

func TestAStopDoesNotWaitForACollectorThatDoesNotListen(t *testing.T) {
	host := &deafHost{Host: componenttest.NewNopHost(), asked: make(chan struct{}), release: make(chan struct{})}
	r, _ := newTestReceiver(t, func(context.Context, source.Host) error { return errPoison }, consumertest.NewNop(), nil)
	require.NoError(t, r.Start(t.Context(), host))
	<-host.asked
	require.NoError(t, r.Shutdown(t.Context()))
	close(host.release)
}

func TestAnUnwritableDeadLetterIsSaidAtTheStart(t *testing.T) {
	r, _ := newTestReceiver(t, idle, consumertest.NewNop(), func(c *Config) { c.DeadLetter.Directory = "/dev/null/letters" })
	err := r.Start(t.Context(), newTestHost())
	require.ErrorContains(t, err, "dead_letter::directory: ")
	require.ErrorContains(t, err, "name a folder that can be written, or set on_refused to stop")
	require.NoError(t, r.Shutdown(t.Context()))
}

// TestASourceThatCannotStartEndsTheStart: the collector, which then shuts everything down, ends with an error.
func TestASourceThatCannotStartEndsTheStart(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	for message, values := range map[string]map[string]any{
		"http::endpoint: listen tcp " + taken.Addr().String(): {"endpoint": taken.Addr().String()},
		"http::auth or middlewares: failed to resolve":        {"endpoint": "127.0.0.1:0", "auth": map[string]any{"authenticator": "nobody"}},
	} {
		config := createDefaultConfig().(*Config)
		require.NoError(t, confmap.NewFromStringMap(map[string]any{"http": values, "on_refused": RefusedStop}).Unmarshal(config))
		r, err := NewFactory().CreateLogs(t.Context(), receivertest.NewNopSettings(componentType), config, consumertest.NewNop())
		require.NoError(t, err)
		host := newTestHost()
		host.extensions = map[component.ID]component.Component{}
		require.ErrorContains(t, r.Start(t.Context(), host), message)
		require.NoError(t, r.Shutdown(t.Context()))
	}
}
