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

const jsonType = "application/json"

// GetHTTPHandler counts the body of each call while the receiver reads it: nothing is copied.
func (l *limiter) GetHTTPHandler(context.Context) (extensionmiddleware.WrapHTTPHandlerFunc, error) {
	return func(_ context.Context, next http.Handler) (http.Handler, error) {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer l.answerRefusal(w, r)
			r.Body = countedBody{r.Body, l.counterOf(r)}
			next.ServeHTTP(w, r)
		}), nil
	}, nil
}

// counterOf a call. What is neither of OTLP's encodings is not decoded, and refused by the receiver.
func (l *limiter) counterOf(r *http.Request) otlpsize.Counter {
	if encodingOf(r) == jsonType {
		return otlpsize.NewJSON(l.cfg.limits())
	}
	return otlpsize.NewProtobuf(signalOf(r.URL.Path), l.cfg.limits())
}

func encodingOf(r *http.Request) string {
	encoding, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return encoding
}

// countedBody is a body that is read no further than the limits allow.
type countedBody struct {
	io.ReadCloser
	counter otlpsize.Counter
}

// refusal is what a read panics with: an error would let the receiver copy all that it has read once more.
type refusal struct{ err error }

func (b countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if tooMuch := b.counter.Count(p[:n]); tooMuch != nil {
		panic(refusal{tooMuch})
	}
	return n, err
}

// answerRefusal answers a call whose body was too much as OTLP has it: a status in the call's encoding.
func (l *limiter) answerRefusal(w http.ResponseWriter, r *http.Request) {
	refused := recover()
	if refused == nil {
		return
	}
	reason, ours := refused.(refusal)
	if !ours {
		panic(refused)
	}
	answer, code := http.StatusRequestEntityTooLarge, codes.ResourceExhausted
	if errors.Is(reason.err, otlpsize.ErrMalformed) {
		answer, code = http.StatusBadRequest, codes.InvalidArgument
	}
	message := status.New(code, l.refuse(r.Context(), reason.err).Error()).Proto()
	text, err := proto.Marshal(message)
	contentType := "application/x-protobuf"
	if encodingOf(r) == jsonType {
		contentType = jsonType
		text, err = protojson.Marshal(message)
	}
	if err != nil { // no message makes it fail
		text = nil
	}
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(answer)
	_, _ = w.Write(text)
}
