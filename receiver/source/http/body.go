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
// must be called in any case; a second call does nothing.
func (b *budget) read(body io.Reader, announced, limit int64) (text []byte, done func(), err error) {
	var taken int64
	done = func() {
		b.give(taken)
		taken = 0
	}
	for size := firstSize(announced, limit); ; size = nextSize(size, announced, limit) {
		if !b.take(size - taken) {
			return nil, done, errFull
		}
		taken = size
		grown := make([]byte, len(text), size)
		copy(grown, text)
		if text, err = fill(body, grown); errors.Is(err, io.EOF) {
			return text, done, nil
		}
		if err == nil && size == limit {
			err = ended(body)
			return text, done, err
		}
		if err != nil {
			return nil, done, whyUnread(err)
		}
	}
}

// firstSize is all of a small body that says how long it is, with room to see its end.
func firstSize(announced, limit int64) int64 {
	if announced >= 0 && announced < firstBuffer {
		return min(announced+1, limit)
	}
	return min(firstBuffer, limit)
}

// nextSize believes what was announced once an eighth of it has come. Else it grows quickly at first and doubles later, when what is
// taken too much would count.
func nextSize(size, announced, limit int64) int64 {
	switch {
	case announced >= size && announced < 8*size:
		return min(announced+1, limit)
	case size < 256<<10:
		return min(4*size, limit)
	}
	return min(2*size, limit)
}

// fill reads until the buffer is full, or until an error.
func fill(body io.Reader, text []byte) ([]byte, error) {
	for len(text) < cap(text) {
		n, err := body.Read(text[len(text):cap(text)])
		if text = text[:len(text)+n]; err != nil {
			return text, err
		}
	}
	return text, nil
}

// ended makes sure that a body which is as long as allowed is not longer.
func ended(body io.Reader) error {
	var more [1]byte
	for {
		n, err := body.Read(more[:])
		switch {
		case n > 0:
			return errTooLarge
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return whyUnread(err)
		}
	}
}

// whyUnread says why a body could not be read to its end.
func whyUnread(err error) error {
	var known *fault
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &large):
		return errTooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errSlow
	}
	return errCutOff
}

// mislabelled is what GitLab calls the JSON of its audit event streams, unless a custom header of the stream says another Content-Type
// (docs.gitlab.com, audit event streaming).
const mislabelled = "application/x-www-form-urlencoded"

// framingOf reads the Content-Type. Without one it is JSON, but not from a browser: only where the type is none of a form's does that ask
// first whether the page may send this (CORS).
func framingOf(h http.Header, dialect string) (push.Framing, error) {
	contentType := h.Get("Content-Type")
	if contentType == "" || contentType == mislabelled && dialect == "gitlab" {
		if h.Get("Origin") != "" {
			return push.Document, errMedia
		}
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
