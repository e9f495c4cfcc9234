package httpsource

import (
	"context"
	"net"

	"github.com/otel-sessionlog/sessionlog/internal/connectcheck"
)

var _ connectcheck.Checker = Config{}

// CheckConnection tries the port and the certificate. Whether an auth extension accepts a client shows only when one sends.
func (c Config) CheckConnection(ctx context.Context) []connectcheck.Finding {
	findings := []connectcheck.Finding{c.checkPort(ctx)}
	if tls := c.Server.TLS.Get(); tls != nil {
		finding := connectcheck.Finding{Subject: "certificate", Key: "http::tls"}
		if _, err := tls.LoadTLSConfig(ctx); err != nil {
			finding.Detail, finding.Remedy = err.Error(), "name files in http::tls that hold a certificate and its key, and that the collector may read"
		} else {
			finding.OK, finding.Detail = true, "can be read"
		}
		findings = append(findings, finding)
	}
	if auth := c.Server.Auth.Get(); auth != nil {
		findings = append(findings, connectcheck.Finding{
			OK: true, Subject: "auth", Key: "http::auth",
			Detail: "not tried: whether " + auth.Config.AuthenticatorID.String() + " accepts the right clients shows when one sends",
		})
	}
	for _, warning := range c.startWarnings("", true) {
		findings = append(findings, connectcheck.Finding{Subject: "guards", Key: "http::endpoint", Detail: warning, Remedy: "set http::auth (or signatures of http::senders) and http::tls"})
	}
	return findings
}

func (c Config) checkPort(ctx context.Context) connectcheck.Finding {
	finding := connectcheck.Finding{Subject: "endpoint " + c.Server.NetAddr.Endpoint, Key: "http::endpoint"}
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, string(c.Server.NetAddr.Transport), c.Server.NetAddr.Endpoint)
	if err != nil {
		finding.Detail = err.Error()
		finding.Remedy = "give http::endpoint a free port; if a collector with this configuration is running, it has the port, and nothing is wrong"
		return finding
	}
	_ = listener.Close()
	finding.OK, finding.Detail = true, "free"
	return finding
}
