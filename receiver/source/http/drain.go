package httpsource

import (
	"io"
	"net/http"
	"sync"
)

func drainBeforeError(next http.Handler, limit int64) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := &drainableBody{ReadCloser: r.Body}
		expectsContinue := r.Header.Get("Expect") != ""
		r.Body = body
		next.ServeHTTP(&refusalWriter{ResponseWriter: w, beforeRefusal: func() {
			if expectsContinue && !body.wasRead { // the client waits for 100 Continue, and takes the error instead
				return
			}
			// Most clients read no answer before they have sent everything, and see a broken pipe where the server hangs up on them. read_timeout bounds
			// how long it takes.
			body.discardRest(limit)
		}}, r)
	})
}

type drainableBody struct {
	io.ReadCloser
	wasRead, reachedEnd bool
}

func (b *drainableBody) Read(p []byte) (int, error) {
	b.wasRead = true
	n, err := b.ReadCloser.Read(p)
	b.reachedEnd = b.reachedEnd || err != nil
	return n, err
}

// Close leaves the body open: whoever unpacked it closes it before the answer is written. The server closes the body itself.
func (b *drainableBody) Close() error { return nil }

var drainBuffers = sync.Pool{New: func() any { return new([32 << 10]byte) }}

func (b *drainableBody) discardRest(limit int64) {
	buffer := drainBuffers.Get().(*[32 << 10]byte)
	defer drainBuffers.Put(buffer)
	for limit > 0 && !b.reachedEnd {
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
