package sessionloglimits

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"

	"go.opentelemetry.io/collector/extension/extensionmiddleware"

	"github.com/otel-sessionlog/sessionlog/extension/sessionloglimits/internal/otlpsize"
)

// GetHTTPHandler counts the body of each call while the receiver reads it: nothing is copied, and the receiver gets an error in the
// place of the bytes that are too much.
func (l *limiter) GetHTTPHandler(context.Context) (extensionmiddleware.WrapHTTPHandlerFunc, error) {
	return func(_ context.Context, next http.Handler) (http.Handler, error) {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body := &countedBody{ReadCloser: r.Body, counter: l.counterOf(r), refuse: func(err error) error { return l.refuse(r.Context(), err) }}
			r.Body = body
			next.ServeHTTP(&statusWriter{ResponseWriter: w, body: body}, r)
		}), nil
	}, nil
}

// counterOf a call. What is neither of OTLP's encodings is not decoded, and refused by the receiver.
func (l *limiter) counterOf(r *http.Request) otlpsize.Counter {
	encoding, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if encoding == "application/json" {
		return otlpsize.NewJSON(l.cfg.limits())
	}
	return otlpsize.NewProtobuf(signalOf(r.URL.Path), l.cfg.limits())
}

// countedBody is a body that ends with an error where it is too much.
type countedBody struct {
	io.ReadCloser
	counter otlpsize.Counter
	refuse  func(error) error
	refused error // once it was
	status  int   // to answer with then
}

func (b *countedBody) Read(p []byte) (int, error) {
	if b.refused != nil {
		return 0, b.refused
	}
	n, err := b.ReadCloser.Read(p)
	if tooMuch := b.counter.Count(p[:n]); tooMuch != nil {
		b.refused, b.status = b.refuse(tooMuch), http.StatusRequestEntityTooLarge
		if errors.Is(tooMuch, otlpsize.ErrMalformed) {
			b.status = http.StatusBadRequest
		}
		return 0, b.refused
	}
	return n, err
}

// statusWriter answers a refused call with its own status; the receiver's text has the reason.
type statusWriter struct {
	http.ResponseWriter
	body *countedBody
}

func (w *statusWriter) WriteHeader(status int) {
	if w.body.refused != nil {
		status = w.body.status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
