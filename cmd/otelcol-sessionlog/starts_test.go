package main

import (
	"context"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/otelcol"
	"go.opentelemetry.io/collector/receiver"
)

// TestAStartBuildsEachComponentOnce: what a start checks first needs no component.
func TestAStartBuildsEachComponentOnce(t *testing.T) {
	set := collectorSettings()
	factories := set.Factories
	var built atomic.Int32
	started := make(chan struct{})
	counted := component.MustNewType("counted")
	set.Factories = func() (otelcol.Factories, error) {
		f, err := factories()
		f.Receivers[counted] = receiver.NewFactory(counted, func() component.Config { return &struct{}{} },
			receiver.WithLogs(func(context.Context, receiver.Settings, component.Config, consumer.Logs) (receiver.Logs, error) {
				built.Add(1)
				return startReporter{started: started}, nil
			}, component.StabilityLevelStable))
		return f, err
	}
	var atExit []func()
	command := newCommand(set, &atExit)
	command.SetArgs([]string{"--config", `yaml:{receivers: {counted: }, exporters: {nop: }, service: {telemetry: {metrics: {level: none}}, pipelines: {logs: {receivers: [counted], exporters: [nop]}}}}`})
	ended := make(chan error, 1)
	go func() { ended <- command.ExecuteContext(t.Context()) }()
	select {
	case <-started:
	case <-time.After(time.Minute):
		t.Fatal("it does not start")
	}
	require.NoError(t, syscall.Kill(syscall.Getpid(), syscall.SIGTERM))
	require.NoError(t, <-ended)
	for _, do := range atExit {
		do()
	}
	require.Equal(t, int32(1), built.Load())
}

type startReporter struct {
	component.ShutdownFunc
	started chan struct{}
}

func (r startReporter) Start(context.Context, component.Host) error {
	close(r.started)
	return nil
}
