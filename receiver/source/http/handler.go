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

// eventsHandler serves the paths of the source.
type eventsHandler struct {
	config   Config
	instance string
	host     source.Host
	senders  map[string]*signature // nil is a sender without signature; where the map is empty, calls name no sender

	buffered    budget
	backlog     backlog
	inFlight    chan struct{}
	readers     freeList[push.Reader]
	batches     freeList[eventBatch]
	requestGate gate
	progress    progressMemory
}

func newEventsHandler(config Config, instance string, host source.Host) *eventsHandler {
	h := &eventsHandler{
		config: config, instance: instance, host: host, senders: map[string]*signature{},
		inFlight: make(chan struct{}, config.MaxInFlight),
		progress: newProgressMemory(host.Now),
		readers:  make(freeList[push.Reader], freeListSize), batches: make(freeList[eventBatch], freeListSize),
	}
	h.backlog.now = host.Now
	h.buffered.left = config.MaxBufferedBytes
	for name, sender := range config.Senders {
		h.senders[name] = newSignature(sender.Signature.Get())
	}
	return h
}

func (h *eventsHandler) routes() http.Handler {
	mux := http.NewServeMux()
	for _, path := range []string{"/v1/events", "/v1/events/{dialect}", "/v1/events/{dialect}/{sender}"} {
		mux.HandleFunc("POST "+path, h.post)
	}
	for _, path := range []string{"/v1/events/okta", "/v1/events/okta/{sender}"} {
		mux.HandleFunc("GET "+path, h.verifyOkta)
	}
	inside := h.rejectCrossOrigin(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !h.requestGate.enter() {
			refuse(w, errStopping)
			return
		}
		defer h.requestGate.leave()
		inside.ServeHTTP(w, r)
	})
}

// rejectCrossOrigin keeps out what pages of other sites make a browser send: without CORS a browser hides only the answer, and sends a request
// that says nothing of its content at once. Who sets cors lets browsers in and says to whom.
func (h *eventsHandler) rejectCrossOrigin(inside http.Handler) http.Handler {
	if h.config.Server.CORS.HasValue() {
		return inside
	}
	guard := http.NewCrossOriginProtection()
	guard.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { refuse(w, errForeign) }))
	return guard.Handler(inside)
}

// gate counts the calls that are inside, and can be shut.
type gate struct {
	mu     sync.Mutex
	shut   bool
	inside sync.WaitGroup
}

func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.shut {
		g.inside.Add(1)
	}
	return !g.shut
}

func (g *gate) leave() { g.inside.Done() }

// close lets nobody in any more. Those inside are waited for with inside.Wait.
func (g *gate) close() {
	g.mu.Lock()
	g.shut = true
	g.mu.Unlock()
}

// post is one call: who, what kind, the body, its signature, its events.
func (h *eventsHandler) post(w http.ResponseWriter, r *http.Request) {
	dialect, sign, err := h.route(r)
	if err != nil {
		refuse(w, err)
		return
	}
	origin, framing, err := h.origin(r, dialect, sign)
	if err != nil {
		refuse(w, err)
		return
	}
	body, done, err := h.buffered.read(r.Body, r.ContentLength, h.config.Server.MaxRequestBodySize)
	defer done()
	if err == nil {
		err = sign.check(r.Header, body)
	}
	if err != nil {
		h.backlog.appoint(w, err, r.ContentLength)
		refuse(w, err)
		return
	}
	size := len(body)
	c, err := h.deliver(r.Context(), dialect, framing, body, origin)
	if err == nil {
		h.backlog.done(size)
	}
	h.backlog.appoint(w, err, int64(size))
	done() // and the place in flight is free: a sender that is slow to read its answer holds nothing
	c.answer(w, err)
}

// route finds the dialect and the sender of a path. Where senders are named, nobody else is let in.
func (h *eventsHandler) route(r *http.Request) (*push.Dialect, *signature, error) {
	dialect := push.Own
	if name := r.PathValue("dialect"); name != "" {
		if dialect = push.Find(name); dialect == nil {
			return nil, nil, errNoDialect
		}
	}
	name := r.PathValue("sender")
	sign, known := h.senders[name]
	if !known && (name != "" || len(h.senders) > 0) {
		return nil, nil, errNoSender
	}
	return dialect, sign, sign.early(r.Header)
}

// origin is what the call says of all its events. Of a signed call no header that is not signed counts: whoever has caught one could make
// as many records of it as he can think of headers.
func (h *eventsHandler) origin(r *http.Request, dialect *push.Dialect, sign *signature) (o push.Origin, framing push.Framing, err error) {
	if framing, err = framingOf(r.Header, dialect.Name); err != nil {
		return o, framing, err
	}
	o = push.Origin{Instance: h.instance, Sender: r.PathValue("sender"), Observed: h.host.Now().UnixNano(), Hide: h.host.Hide}
	if sign.coversBodyOnly() {
		if r.Header.Get("ce-specversion") != "" {
			return o, framing, errUnsignedHeaders
		}
		return o, framing, nil
	}
	o.Key = r.Header.Get("Idempotency-Key")
	if len(o.Key) > push.MaxKey {
		return o, framing, errLongKey
	}
	if o.Sender == "" {
		o.Sender = identity(r.Context())
	}
	o.Trace, _ = push.ParseTraceparent(r.Header.Get("traceparent"))
	if o.Envelope, err = push.NewEnvelope(r.Header.Get); err != nil {
		err = &fault{status: http.StatusBadRequest, text: err.Error()}
	}
	return o, framing, err
}

// identity is who the auth extension says that the client is. Only names are asked for: what else it holds may be a secret.
func identity(ctx context.Context) string {
	auth := client.FromContext(ctx).Auth
	if auth == nil {
		return ""
	}
	for _, name := range []string{"subject", "username"} {
		if s, ok := auth.GetAttribute(name).(string); ok && s != "" {
			return s
		}
	}
	return ""
}

// deliver tells the pipeline what the body holds.
func (h *eventsHandler) deliver(ctx context.Context, dialect *push.Dialect, framing push.Framing, body []byte, origin push.Origin) (*call, error) {
	select {
	case h.inFlight <- struct{}{}:
		defer func() { <-h.inFlight }()
	default:
		return &call{}, errBusy
	}
	reader := h.readers.get()
	defer func() {
		reader.Forget()
		h.readers.put(reader)
	}()
	c := &call{handler: h, ctx: ctx, cancel: func() {}, batch: h.batches.get()}
	defer func() { c.cancel() }()
	if len(body) >= largeCall {
		c.id = newCallID(dialect, framing, body, origin)
		c.known = h.progress.find(c.id)
	}
	defer c.release()
	err := reader.Read(dialect, framing, body, origin, c)
	if err == nil || errors.Is(err, errTooMany) {
		if failed := c.flush(); failed != nil {
			err = failed
		}
	}
	c.count("POST /v1/events/" + dialect.Name)
	return c, err
}

// freeList keeps a few of what calls work with. A sync.Pool loses a batch of a megabyte with every garbage collection, of which a busy
// source has many; more than these few are left to it.
type freeList[T any] chan *T

const freeListSize = 4

func (s freeList[T]) get() *T {
	select {
	case v := <-s:
		return v
	default:
		return new(T)
	}
}

func (s freeList[T]) put(v *T) {
	select {
	case s <- v:
	default:
	}
}

// verifyOkta answers the question with which Okta asks whether a hook's owner agrees: the same word back.
func (h *eventsHandler) verifyOkta(w http.ResponseWriter, r *http.Request) {
	if _, _, err := h.route(r); err != nil {
		refuse(w, err)
		return
	}
	challenge := r.Header.Get("X-Okta-Verification-Challenge")
	if challenge == "" {
		refuse(w, &fault{status: http.StatusMethodNotAllowed, text: "events are sent with POST"})
		return
	}
	respond(w, http.StatusOK, map[string]string{"verification": challenge})
}
