package httpsource

import (
	"io"
	"net/http"
	"sync"
)

// readToTheEnd reads what is left of a body before it is answered with an error, at most limit bytes of it: most clients read no answer
// before they have sent everything, and see a broken pipe where the server hangs up on them. The server's read_timeout bounds how long.
func readToTheEnd(inside http.Handler, limit int64) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := &countedBody{ReadCloser: r.Body}
		asked := r.Header.Get("Expect") != ""
		r.Body = body
		inside.ServeHTTP(&refusalWriter{ResponseWriter: w, beforeRefusal: func() {
			if asked && !body.begun { // it waits to be told to send anything: the answer is what it waits for
				return
			}
			body.drain(limit)
		}}, r)
	})
}

// countedBody knows whether it was read, and to its end.
type countedBody struct {
	io.ReadCloser
	begun, ended bool
}

func (b *countedBody) Read(p []byte) (int, error) {
	b.begun = true
	n, err := b.ReadCloser.Read(p)
	b.ended = b.ended || err != nil
	return n, err
}

// Close leaves the body open: whoever has unpacked it closes it before the answer is written. The server closes the body itself.
func (b *countedBody) Close() error { return nil }

var drainBuffers = sync.Pool{New: func() any { return new([32 << 10]byte) }}

func (b *countedBody) drain(limit int64) {
	buffer := drainBuffers.Get().(*[32 << 10]byte)
	defer drainBuffers.Put(buffer)
	for limit > 0 && !b.ended {
		n, err := b.Read(buffer[:min(limit, int64(len(buffer)))])
		if limit -= int64(n); err != nil {
			return
		}
	}
}

// refusalWriter calls beforeRefusal before the status of an error is written.
type refusalWriter struct {
	http.ResponseWriter
	beforeRefusal func()
	written       bool
}

func (w *refusalWriter) WriteHeader(status int) {
	if !w.written && status >= http.StatusBadRequest {
		w.beforeRefusal()
	}
	w.written = w.written || status >= http.StatusOK
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (w *refusalWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
