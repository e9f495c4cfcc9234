package sessionlogforwardexporter

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/exporter/exporterhelper"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
)

// maxAnswerBytes is far above the answer to the largest call: 200 bytes a record.
const maxAnswerBytes = 64 << 20

type targetClient struct {
	http        *http.Client
	url         string
	path        string // of the protocol, at the end of url
	contentType string
	writer      protocolWriter
	channels    *ackChannels  // nil without acknowledgements
	ackTimeout  time.Duration // after which a call that is not acknowledged is sent again
}

func newTargetClient(ctx context.Context, c TargetConfig, p forwardProtocol, w protocolWriter, host component.Host, set component.TelemetrySettings) (*targetClient, error) {
	var extensions map[component.ID]component.Component
	if host != nil {
		extensions = host.GetExtensions()
	}
	client, err := c.Client.ToClient(ctx, extensions, set)
	if err != nil {
		return nil, err
	}
	// A redirect would drop the body, or carry logins to another host.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	address, err := p.requestURL(c.Client.Endpoint)
	if err != nil {
		return nil, fmt.Errorf("endpoint: %w", err)
	}
	t := &targetClient{http: client, url: address, path: p.path, contentType: p.contentType, writer: w, ackTimeout: hecAckTimeout}
	if c.Protocol == protocolSplunkHEC && c.SplunkHEC.Acknowledgement {
		t.channels = &ackChannels{}
	}
	return t, nil
}

// sendCall sends the body of n records. Its error says that nobody knows what became of them.
func (c *targetClient) sendCall(ctx context.Context, body []byte, n int) (targetAnswer, error) {
	channel := c.channels.nextChannel()
	response, err := c.postTo(ctx, "", channel, body)
	if err != nil {
		return targetAnswer{}, err
	}
	defer discardBody(response)
	if response.StatusCode >= 300 && response.StatusCode < 400 {
		return targetAnswer{}, errRedirect
	}
	got, err := c.writer.readAnswer(response.StatusCode, io.LimitReader(response.Body, maxAnswerBytes), n)
	if err == nil && got.verdict == takenAll && got.ackID != nil {
		if err = c.awaitAck(ctx, channel, *got.ackID); err == nil {
			c.channels.reuseAcknowledgedChannel(channel)
		}
		return got, err
	}
	if pause := retryAfter(response); err == nil && (got.verdict == tryAgain || got.verdict == isFailing) && pause > 0 {
		return got, exporterhelper.NewThrottleRetry(failureOf(got.reason, got.key), pause)
	}
	return got, err
}

// postTo makes a call to another path of the protocol, "" for its own, on a channel where there is one.
func (c *targetClient) postTo(ctx context.Context, path, channel string, body []byte) (*http.Response, error) {
	call, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("endpoint: no address of a target")
	}
	if path != "" {
		call.URL.Path = strings.TrimSuffix(call.URL.Path, c.path) + path
	}
	call.Header.Set("Content-Type", c.contentType)
	if channel != "" {
		call.Header.Set(hecChannel, channel)
	}
	c.writer.prepare(call)
	response, err := c.http.Do(call)
	var withAddress *url.Error
	if errors.As(err, &withAddress) { // the query of an address may hold a secret
		err = fmt.Errorf("%s: %w", call.URL.Host, withAddress.Err)
	}
	return response, err
}

func (c *targetClient) probeTarget(ctx context.Context) error {
	channel := c.channels.nextChannel()
	response, err := c.postTo(ctx, "", channel, nil)
	if err != nil {
		return err
	}
	defer discardBody(response)
	switch {
	case response.StatusCode >= 300 && response.StatusCode < 400:
		return backend.MarkMisconfigured(errRedirect)
	case response.StatusCode == http.StatusBadRequest && saysUnknownPath(response.Body):
		return failureOf("the target does not know this path (HTTP 400)", "endpoint")
	case c.writer.isProbeAnswer(response.StatusCode):
		return c.probeAck(ctx, channel)
	}
	failure := answerOfFailure(response.StatusCode, c.writer.authKey())
	return failureOf(failure.reason, failure.key)
}

func saysUnknownPath(body io.Reader) bool {
	text, _ := io.ReadAll(io.LimitReader(body, 1<<10))
	return bytes.Contains(text, []byte("unsupported path")) // VictoriaLogs's 400, where others answer 404
}

// discardBody lets the connection be used again.
func discardBody(response *http.Response) {
	_, _ = io.CopyN(io.Discard, response.Body, 64<<10)
	_ = response.Body.Close()
}

// maxPause is the longest that a target can make us wait: one that is mended sooner, or never meant a year, would be waited for.
const maxPause = 10 * time.Minute

func retryAfter(response *http.Response) time.Duration {
	text := response.Header.Get("Retry-After")
	if seconds, err := strconv.Atoi(text); err == nil {
		return time.Duration(min(max(seconds, 0), int(maxPause/time.Second))) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(0, time.Until(at)), maxPause)
	}
	return 0
}

// answerOfFailure is for what a target says before it looks at the records. Their text is not repeated: it may quote them.
func answerOfFailure(status int, authKey string) targetAnswer {
	a := targetAnswer{verdict: tryAgain, reason: fmt.Sprintf("the target answers HTTP %d %s", status, http.StatusText(status))}
	switch status {
	case http.StatusInternalServerError, http.StatusBadGateway: // 503 and 504 ask for patience, whatever is sent
		a.verdict = isFailing
	case http.StatusUnauthorized, http.StatusForbidden:
		a.key = authKey
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		a.key = "endpoint"
	case http.StatusUnsupportedMediaType:
		a.key = "compression"
	}
	return a
}

// answerOfRefusal is for a call that is refused for one of its records, without saying which.
func answerOfRefusal(status int) targetAnswer {
	return targetAnswer{verdict: refusedSome, reason: fmt.Sprintf("the target refuses the record (HTTP %d)", status)}
}
