package logins

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	sessionLocked = 373 // SESSION_IS_LOCKED: another request is in the named session. The server records nothing of such a login
	lockedPause   = 2 * time.Millisecond
)

func (c *Client) overHTTP(ctx context.Context, a Attempt) (Login, error) {
	for {
		login, err := c.request(ctx, a)
		if err != nil || login.Code != sessionLocked {
			return login, err
		}
		select {
		case <-ctx.Done():
			return login, ctx.Err()
		case <-time.After(lockedPause):
		}
	}
}

// request is one login over HTTP: the server authenticates each request anew, on a kept-alive connection too.
func (c *Client) request(ctx context.Context, a Attempt) (Login, error) {
	login := a.begin()
	var addrErr error
	ctx = httptrace.WithClientTrace(withFrom(ctx, a.From), &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) { login.LocalAddr, addrErr = localAddr(info.Conn) },
	})
	web := c.web
	if a.From.IsValid() { // a kept-alive connection may come from elsewhere
		transport := c.web.Transport.(*http.Transport).Clone()
		transport.DisableKeepAlives = true
		web = &http.Client{Transport: transport}
	}
	request, err := a.request(ctx, c.http)
	if err != nil {
		return login, err
	}
	response, err := web.Do(request)
	if err != nil {
		return login, err
	}
	defer func() { _ = response.Body.Close() }()
	message, err := io.ReadAll(response.Body) // to the end, or the connection cannot be used again
	login.End = time.Now()
	if err != nil || addrErr != nil {
		return login, fmt.Errorf("login over HTTP: %w", firstOf(err, addrErr))
	}
	if response.StatusCode == http.StatusOK {
		login.OK = true
		return login, nil
	}
	login.Code, _ = strconv.Atoi(response.Header.Get("X-ClickHouse-Exception-Code"))
	if refusals[login.Code] || login.Code == sessionLocked {
		return login, nil
	}
	return login, fmt.Errorf("login over HTTP: %s: %s", response.Status, message)
}

func (a Attempt) request(ctx context.Context, host string) (*http.Request, error) {
	query := url.Values{}
	if a.SessionID != "" {
		query.Set("session_id", a.SessionID)
	}
	if a.Database != "" {
		query.Set("database", a.Database)
	}
	address := url.URL{Scheme: "http", Host: host, Path: "/", RawQuery: query.Encode()}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address.String(), strings.NewReader("SELECT 1"))
	if err != nil {
		return nil, err
	}
	// Not to be sent twice: the transport repeats what looks idempotent, and each time is a login.
	request.GetBody = nil
	if a.Headers {
		request.Header.Set("X-ClickHouse-User", a.User)
		request.Header.Set("X-ClickHouse-Key", a.Password)
	} else {
		request.SetBasicAuth(a.User, a.Password)
	}
	if a.TraceParent != "" {
		request.Header.Set("traceparent", a.TraceParent)
	}
	return request, nil
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
