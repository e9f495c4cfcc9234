package httpsource

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"
	"sync"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/push"
)

// memoryBudget bounds what the bodies of all calls take together. It counts received bytes, not announced ones: slow senders with a
// large Content-Length keep nobody out.
type memoryBudget struct {
	mu        sync.Mutex
	bytesLeft int64
}

func (b *memoryBudget) reserveBytes(n int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n > b.bytesLeft {
		return false
	}
	b.bytesLeft -= n
	return true
}

func (b *memoryBudget) releaseBytes(n int64) {
	b.mu.Lock()
	b.bytesLeft += n
	b.mu.Unlock()
}

const initialBufferSize = 8 << 10

// readBody reads at most limit bytes, decompressed, into memory of their own: the events share it. done releases the budget, and
// must be called in any case; a second call does nothing.
func (b *memoryBudget) readBody(body io.Reader, announced, limit int64) (text []byte, done func(), err error) {
	var taken int64
	done = func() {
		b.releaseBytes(taken)
		taken = 0
	}
	for size := initialSize(announced, limit); ; size = nextSize(size, announced, limit) {
		if !b.reserveBytes(size - taken) {
			return nil, done, errMemoryFull
		}
		taken = size
		grown := make([]byte, len(text), size)
		copy(grown, text)
		if text, err = fillBuffer(body, grown); errors.Is(err, io.EOF) {
			return text, done, nil
		}
		if err == nil && size == limit {
			err = expectEOF(body)
			return text, done, err
		}
		if err != nil {
			return nil, done, bodyReadError(err)
		}
	}
}

func initialSize(announced, limit int64) int64 {
	if announced >= 0 && announced < initialBufferSize {
		return min(announced+1, limit) // one byte more, so that the end is seen
	}
	return min(initialBufferSize, limit)
}

func nextSize(size, announced, limit int64) int64 {
	// The announced size is trusted once an eighth of it has come; a body grows fourfold, and later twofold to waste less.
	switch {
	case announced >= size && announced < 8*size:
		return min(announced+1, limit)
	case size < 256<<10:
		return min(4*size, limit)
	}
	return min(2*size, limit)
}

func fillBuffer(body io.Reader, text []byte) ([]byte, error) {
	for len(text) < cap(text) {
		n, err := body.Read(text[len(text):cap(text)])
		if text = text[:len(text)+n]; err != nil {
			return text, err
		}
	}
	return text, nil
}

func expectEOF(body io.Reader) error {
	var more [1]byte
	for {
		n, err := body.Read(more[:])
		switch {
		case n > 0:
			return errTooLarge
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return bodyReadError(err)
		}
	}
}

func bodyReadError(err error) error {
	var known *callError
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &large):
		return errTooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errReadTimeout
	}
	return errUnreadableBody
}

// gitlabContentType is what GitLab calls the JSON of its audit event streams, unless a custom header of the stream says another Content-Type
// (docs.gitlab.com, audit event streaming).
const gitlabContentType = "application/x-www-form-urlencoded"

func parseFraming(h http.Header, dialect string) (push.Framing, error) {
	contentType := h.Get("Content-Type")
	if contentType == "" || contentType == gitlabContentType && dialect == "gitlab" {
		// Without a Content-Type it is JSON, but not from a browser, which sends such a request to another site without a CORS preflight.
		if h.Get("Origin") != "" {
			return push.FramingDocument, errMediaType
		}
		return push.FramingDocument, nil
	}
	media, params, err := mime.ParseMediaType(contentType)
	if charset := params["charset"]; err != nil || charset != "" && !strings.EqualFold(charset, "utf-8") {
		return push.FramingDocument, errMediaType
	}
	switch media {
	case "application/json", "application/cloudevents+json", "application/cloudevents-batch+json":
		return push.FramingDocument, nil
	case "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines":
		return push.FramingLines, nil
	}
	return push.FramingDocument, errMediaType
}
