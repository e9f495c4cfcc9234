package sessionlogdelivery

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap/zapcore"
)

func TestListenersBeyondThisMachine(t *testing.T) {
	const pipelines = `
receivers: {otlp: {protocols: %s}}
exporters: {sessionlog: }
service: {pipelines: {logs: {receivers: [otlp], exporters: [sessionlog]}}}
`
	for protocols, want := range map[string]string{
		"{grpc: {endpoint: '0.0.0.0:4317'}}":                                                 "receivers::otlp::protocols::grpc::auth",
		"{grpc: {endpoint: ':4317'}}":                                                        "may write logins",
		"{http: {endpoint: '[::]:4318', tls: {cert_file: c, key_file: k}}}":                  "receivers::otlp::protocols::http::auth",
		"{http: {endpoint: 'logs.example.org:4318', auth: {authenticator: a}}}":              "without TLS",
		"{grpc: {endpoint: '10.0.0.1:4317', tls: {cert_file: c, client_ca_file: ca}}}":       "",
		"{grpc: {endpoint: '10.0.0.1:4317', tls: {cert_file: c}, auth: {authenticator: a}}}": "",
		"{grpc: {endpoint: 'localhost:4317'}, http: {endpoint: '[::1]:4318'}}":               "",
		"{grpc: {endpoint: '127.0.0.2:4317'}}":                                               "",
		"{grpc: {endpoint: '/run/otlp.sock', transport: unix}}":                              "",
	} {
		yaml := strings.Replace(pipelines, "%s", protocols, 1)
		logs, err := notify(t, &Config{OnLoss: OnLossWarn}, yaml)
		require.NoError(t, err)
		warnings := logs.FilterLevelExact(zapcore.WarnLevel)
		if want == "" {
			require.Zero(t, warnings.Len(), protocols)
			continue
		}
		require.Equal(t, 1, warnings.Len(), protocols)
		require.Contains(t, warnings.All()[0].Message, want)
		logs, err = notify(t, &Config{OnLoss: OnLossRefuse, Acknowledge: []string{"receivers::otlp"}}, yaml)
		require.NoError(t, err)
		require.Zero(t, logs.FilterLevelExact(zapcore.WarnLevel).Len())
	}
}
