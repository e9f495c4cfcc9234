package sessionloglimits

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"

	"go.opentelemetry.io/collector/extension/extensionmiddleware"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/otel-sessionlog/sessionlog/extension/sessionloglimits/internal/otlpsize"
)

const jsonContentType = "application/json"

// GetHTTPHandler counts the body of each call while the receiver reads it: nothing is copied.
func (l *requestLimiter) GetHTTPHandler(context.Context) (extensionmiddleware.WrapHTTPHandlerFunc, error) {
	return func(_ context.Context, next http.Handler) (http.Handler, error) {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer l.writeRefusal(w, r)
			r.Body = countedBody{r.Body, l.counterFor(r)}
			next.ServeHTTP(w, r)
		}), nil
	}, nil
}

func (l *requestLimiter) counterFor(r *http.Request) otlpsize.Counter {
	if requestMediaType(r) == jsonContentType {
		return otlpsize.NewJSON(l.cfg.sizeLimits())
	}
	// The receiver refuses any other encoding without decoding.
	return otlpsize.NewProtobuf(signalFromName(r.URL.Path), l.cfg.sizeLimits())
}

func requestMediaType(r *http.Request) string {
	encoding, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return encoding
}

// countedBody panics with [limitExceeded] when it is read beyond the limits.
type countedBody struct {
	io.ReadCloser
	counter otlpsize.Counter
}

// limitExceeded is a panic value: at an error, the receiver would copy all that it has read once more.
type limitExceeded struct{ err error }

func (b countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if tooMuch := b.counter.Count(p[:n]); tooMuch != nil {
		panic(limitExceeded{tooMuch})
	}
	return n, err
}

func (l *requestLimiter) writeRefusal(w http.ResponseWriter, r *http.Request) {
	refused := recover()
	if refused == nil {
		return
	}
	reason, isLimit := refused.(limitExceeded)
	if !isLimit {
		panic(refused)
	}
	answer, code := http.StatusRequestEntityTooLarge, codes.ResourceExhausted
	if errors.Is(reason.err, otlpsize.ErrMalformed) {
		answer, code = http.StatusBadRequest, codes.InvalidArgument
	}
	// As OTLP specifies: a Status in the encoding of the request.
	message := status.New(code, l.countRefusal(r.Context(), reason.err).Error()).Proto()
	text, err := proto.Marshal(message)
	contentType := "application/x-protobuf"
	if requestMediaType(r) == jsonContentType {
		contentType = jsonContentType
		text, err = protojson.Marshal(message)
	}
	if err != nil { // no message makes it fail
		text = nil
	}
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(answer)
	_, _ = w.Write(text)
}
