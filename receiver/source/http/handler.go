package httpsource

import (
	"context"
	"errors"
	"net/http"
	"sync"

	"go.opentelemetry.io/collector/client"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/push"
	"github.com/otel-sessionlog/sessionlog/receiver/source"
)

type eventsHandler struct {
	config   Config
	instance string
	host     source.Host
	senders  map[string]*signatureVerifier // nil is a sender without signature; where the map is empty, calls name no sender

	bodyMemory     memoryBudget
	retryScheduler retryScheduler
	inFlight       chan struct{}
	readers        freeList[push.Reader]
	batches        freeList[eventBatch]
	requestGate    callGate
	progress       progressMemory
}

func newEventsHandler(config Config, instance string, host source.Host) *eventsHandler {
	h := &eventsHandler{
		config: config, instance: instance, host: host, senders: map[string]*signatureVerifier{},
		inFlight: make(chan struct{}, config.MaxInFlight),
		progress: newProgressMemory(host.Now),
		readers:  make(freeList[push.Reader], freeListSize), batches: make(freeList[eventBatch], freeListSize),
	}
	h.retryScheduler.now = host.Now
	h.bodyMemory.bytesLeft = config.MaxBufferedBytes
	for name, sender := range config.Senders {
		h.senders[name] = newSignature(sender.Signature.Get())
	}
	return h
}

func (h *eventsHandler) routeByPath() http.Handler {
	mux := http.NewServeMux()
	for _, path := range []string{"/v1/events", "/v1/events/{dialect}", "/v1/events/{dialect}/{sender}"} {
		mux.HandleFunc("POST "+path, h.handlePost)
	}
	mux.HandleFunc("POST /", func(w http.ResponseWriter, _ *http.Request) { respondError(w, errUnknownPath) })
	for _, path := range []string{"/v1/events/okta", "/v1/events/okta/{sender}"} {
		mux.HandleFunc("GET "+path, h.verifyOkta)
	}
	guarded := h.rejectCrossOrigin(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !h.requestGate.tryEnter() {
			respondError(w, errStopping)
			return
		}
		defer h.requestGate.endCall()
		guarded.ServeHTTP(w, r)
	})
}

func (h *eventsHandler) rejectCrossOrigin(next http.Handler) http.Handler {
	if h.config.Server.CORS.HasValue() {
		return next
	}
	// A browser sends a request without Content-Type to another site at once, and hides only the answer.
	guard := http.NewCrossOriginProtection()
	guard.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { respondError(w, errCrossOrigin) }))
	return guard.Handler(next)
}

// callGate counts the active calls, and refuses new ones once it is closed.
type callGate struct {
	mu          sync.Mutex
	closed      bool
	activeCalls sync.WaitGroup
}

func (g *callGate) tryEnter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.closed {
		g.activeCalls.Add(1)
	}
	return !g.closed
}

func (g *callGate) endCall() { g.activeCalls.Done() }

// closeAndWait refuses new calls; activeCalls.Wait waits for the others.
func (g *callGate) closeAndWait() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
}

func (h *eventsHandler) handlePost(w http.ResponseWriter, r *http.Request) {
	dialect, sign, err := h.resolveRoute(r)
	if err != nil {
		respondError(w, err)
		return
	}
	origin, framing, err := h.requestOrigin(r, dialect, sign)
	if err != nil {
		respondError(w, err)
		return
	}
	body, done, err := h.bodyMemory.readBody(r.Body, r.ContentLength, h.config.Server.MaxRequestBodySize)
	defer done()
	if err == nil {
		err = sign.verifyBody(r.Header, body)
	}
	if err != nil {
		h.retryScheduler.setRetryAfter(w, err, r.ContentLength)
		respondError(w, err)
		return
	}
	size := len(body)
	c, err := h.deliverBody(r.Context(), dialect, framing, body, origin)
	if err == nil {
		h.retryScheduler.recordServed(size)
	}
	h.retryScheduler.setRetryAfter(w, err, int64(size))
	done() // before the answer: a sender that is slow to read it must not hold memory
	c.respondTo(w, err)
}

// resolveRoute finds the dialect and the sender of a path. Where senders are configured, all others are refused.
func (h *eventsHandler) resolveRoute(r *http.Request) (*push.Dialect, *signatureVerifier, error) {
	dialect := push.NativeDialect
	if name := r.PathValue("dialect"); name != "" {
		if dialect = push.FindDialect(name); dialect == nil {
			return nil, nil, errUnknownDialect
		}
	}
	name := r.PathValue("sender")
	sign, known := h.senders[name]
	if !known && (name != "" || len(h.senders) > 0) {
		return nil, nil, errUnknownSender
	}
	return dialect, sign, sign.checkHeader(r.Header)
}

func (h *eventsHandler) requestOrigin(r *http.Request, dialect *push.Dialect, sign *signatureVerifier) (o push.Origin, framing push.Framing, err error) {
	if framing, err = parseFraming(r.Header, dialect.Name); err != nil {
		return o, framing, err
	}
	o = push.Origin{Instance: h.instance, Sender: r.PathValue("sender"), Observed: h.host.Now().UnixNano(), Hide: h.host.Hide}
	// No unsigned header counts: whoever caught a signed call could make as many records of it as he can think of headers.
	if sign.coversBodyOnly() {
		if r.Header.Get("ce-specversion") != "" {
			return o, framing, errUnsignedHeaders
		}
		return o, framing, nil
	}
	o.Key = r.Header.Get("Idempotency-Key")
	if len(o.Key) > push.MaxKey {
		return o, framing, errKeyTooLong
	}
	if o.Sender == "" {
		o.Sender = authenticatedName(r.Context())
	}
	o.Trace, _ = push.ParseTraceparent(r.Header.Get("traceparent"))
	if o.Envelope, err = push.NewEnvelope(r.Header.Get); err != nil {
		err = &callError{status: http.StatusBadRequest, text: err.Error()}
	}
	return o, framing, err
}

func authenticatedName(ctx context.Context) string {
	auth := client.FromContext(ctx).Auth
	if auth == nil {
		return ""
	}
	// Others of the auth extension's attributes may be secrets.
	for _, name := range []string{"subject", "username"} {
		if s, ok := auth.GetAttribute(name).(string); ok && s != "" {
			return s
		}
	}
	return ""
}

func (h *eventsHandler) deliverBody(ctx context.Context, dialect *push.Dialect, framing push.Framing, body []byte, origin push.Origin) (*pushCall, error) {
	select {
	case h.inFlight <- struct{}{}:
		defer func() { <-h.inFlight }()
	default:
		return &pushCall{}, errTooManyCalls
	}
	reader := h.readers.getOrNew()
	defer func() {
		reader.Forget()
		h.readers.putBack(reader)
	}()
	c := &pushCall{handler: h, ctx: ctx, cancel: func() {}, batch: h.batches.getOrNew()}
	defer func() { c.cancel() }()
	if len(body) >= largeCall {
		c.id = newCallID(dialect, framing, body, origin)
		c.alreadyDelivered = h.progress.deliveredItems(c.id)
	}
	defer c.recycleBatch()
	err := reader.Read(dialect, framing, body, origin, c)
	if err == nil || errors.Is(err, errTooMany) {
		if failed := c.deliverBatch(); failed != nil {
			err = failed
		}
	}
	c.countResults("POST /v1/events/" + dialect.Name)
	return c, err
}

// freeList keeps a few values for reuse. A sync.Pool would lose them, a megabyte each, at every garbage collection.
type freeList[T any] chan *T

const freeListSize = 4

func (s freeList[T]) getOrNew() *T {
	select {
	case v := <-s:
		return v
	default:
		return new(T)
	}
}

func (s freeList[T]) putBack(v *T) {
	select {
	case s <- v:
	default:
	}
}

func (h *eventsHandler) verifyOkta(w http.ResponseWriter, r *http.Request) {
	if _, _, err := h.resolveRoute(r); err != nil {
		respondError(w, err)
		return
	}
	challenge := r.Header.Get("X-Okta-Verification-Challenge")
	if challenge == "" {
		respondError(w, &callError{status: http.StatusMethodNotAllowed, text: "events are sent with POST"})
		return
	}
	respondJSON(w, http.StatusOK, map[string]string{"verification": challenge})
}
