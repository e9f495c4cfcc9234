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

// budget bounds what the bodies of all calls take together. A call pays for what has come, not for what it announces: slow senders that
// announce much keep nobody out.
type budget struct {
	mu   sync.Mutex
	left int64
}

func (b *budget) take(n int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n > b.left {
		return false
	}
	b.left -= n
	return true
}

func (b *budget) give(n int64) {
	b.mu.Lock()
	b.left += n
	b.mu.Unlock()
}

// firstBuffer is enough for most calls.
const firstBuffer = 8 << 10

// read reads a body of at most limit bytes, decompressed, into memory of its own: the events share it. done gives the budget back, and
// must be called in any case.
func (b *budget) read(body io.Reader, announced, limit int64) (text []byte, done func(), err error) {
	var taken int64
	done = func() { b.give(taken) }
	grow := func(size int64) bool {
		if !b.take(size - taken) {
			return false
		}
		taken = size
		grown := make([]byte, len(text), size)
		copy(grown, text)
		text = grown
		return true
	}
	size := int64(firstBuffer)
	if announced >= 0 && announced < size {
		size = announced + 1 // to see the end
	}
	for {
		if len(text) == cap(text) {
			if !grow(min(size, limit+1)) {
				return nil, done, errFull
			}
			size *= 2
		}
		n, err := body.Read(text[len(text):cap(text)])
		text = text[:len(text)+n]
		switch {
		case errors.Is(err, io.EOF):
			return text, done, nil
		case err != nil:
			return nil, done, whyUnread(err)
		case int64(len(text)) > limit:
			return nil, done, errTooLarge
		}
	}
}

// whyUnread says why a body could not be read to its end.
func whyUnread(err error) error {
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return errTooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errSlow
	}
	return errCutOff
}

// framingOf reads the Content-Type. Without one it is JSON.
func framingOf(contentType string) (push.Framing, error) {
	if contentType == "" {
		return push.Document, nil
	}
	media, params, err := mime.ParseMediaType(contentType)
	if charset := params["charset"]; err != nil || charset != "" && !strings.EqualFold(charset, "utf-8") {
		return push.Document, errMedia
	}
	switch media {
	case "application/json", "application/cloudevents+json", "application/cloudevents-batch+json":
		return push.Document, nil
	case "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines":
		return push.Lines, nil
	}
	return push.Document, errMedia
}
