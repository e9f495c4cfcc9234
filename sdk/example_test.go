package sessionlog_test

import (
	"context"
	"fmt"
	"net/netip"

	sdklog "go.opentelemetry.io/otel/sdk/log"

	sessionlog "github.com/otel-sessionlog/sessionlog/sdk"
	"github.com/otel-sessionlog/sessionlog/session"
)

// Without a processor that answers, nobody vouches for the event.
func ExampleDurable() {
	logins := sessionlog.NewLogger(sdklog.NewLoggerProvider())
	err := logins.Login(context.Background(), sessionlog.User("alice"), sessionlog.Durable())
	fmt.Println(err)
	// Output: sessionlog: the event is not known to be durable: no processor of sdk/spool or sdk/blocking has answered: give one to the LoggerProvider, and shut the provider down last
}

// A server of any protocol says once who is at the other end; sessionhttp does so for net/http.
func ExampleContextWith() {
	logins := sessionlog.NewLogger(nil)
	ctx := sessionlog.ContextWith(context.Background(), sessionlog.Client(netip.MustParseAddr("192.0.2.7"), 4711))
	_ = logins.Failure(ctx, sessionlog.User("alice"), sessionlog.ErrorType(session.ErrorInvalidCredentials),
		sessionlog.Set(func(e *session.Event) { fmt.Println(e.ClientAddress, e.ErrorType) }))
	// Output: 192.0.2.7 invalid_credentials
}
