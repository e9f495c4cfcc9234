package httpsource

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

type callError struct {
	status int
	text   string
}

func (f *callError) Error() string { return f.text }

const dialectNames = "keycloak, okta, auth0, ocsf, ecs, github, gitlab, sessionlog"

// Every reason to refuse a call. None repeats what the sender sent.
var (
	errUnknownPath     = &callError{http.StatusNotFound, "no such path: send to /v1/events, or to /v1/events/ with a dialect behind it and no slash: " + dialectNames}
	errUnknownDialect  = &callError{http.StatusNotFound, "no such dialect: " + dialectNames}
	errUnknownSender   = &callError{http.StatusNotFound, "no such sender: the path ends with the name of one of the configured senders"}
	errCrossOrigin     = &callError{http.StatusForbidden, "a browser sent this for another site: set http::cors to allow that site"}
	errUnsigned        = &callError{http.StatusUnauthorized, "the signature is missing or wrong"}
	errUnsignedHeaders = &callError{http.StatusBadRequest, "ce- headers are not signed: send the CloudEvent in structured mode, as the body"}
	errMediaType       = &callError{http.StatusUnsupportedMediaType, "send application/json or application/x-ndjson, in UTF-8"}
	errKeyTooLong      = &callError{http.StatusBadRequest, "Idempotency-Key: longer than 1024 bytes"}
	errTooLarge        = &callError{http.StatusRequestEntityTooLarge, "the body is too large: send fewer events in one call"}
	errTooMany         = &callError{http.StatusRequestEntityTooLarge, "too many events in one call"}
	errReadTimeout     = &callError{http.StatusRequestTimeout, "the body came too slowly"}
	errUnreadableBody  = &callError{http.StatusBadRequest, "the body cannot be read to its end, or is not what Content-Encoding says"}
	errMemoryFull      = &callError{http.StatusTooManyRequests, "the bodies of other calls fill the memory: retry later"}
	errTooManyCalls    = &callError{http.StatusTooManyRequests, "too many calls at once: retry later"}
	errStopping        = &callError{http.StatusServiceUnavailable, "the receiver is stopping: retry later"}
	// errUndelivered may leave events delivered: the same call again is the same records.
	errUndelivered = &callError{http.StatusServiceUnavailable, "the pipeline has not taken all events: send the same call again"}
)

// retryUndelivered is the Retry-After, in seconds, of a 503. That of a 429 comes from [retryScheduler].
const retryUndelivered = "5"

// respondError answers a call none of whose items was read, or whose delivery failed.
func respondError(w http.ResponseWriter, err error) {
	f, ok := err.(*callError) //nolint:errorlint // all errors of a call are made here
	if !ok {
		f = errUndelivered
	}
	if f.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", retryUndelivered)
	}
	respondJSON(w, f.status, map[string]string{"error": f.text})
}

func respondServerError(w http.ResponseWriter, _ *http.Request, message string, status int) {
	switch {
	case status == http.StatusUnauthorized:
		respondJSON(w, status, map[string]string{"error": "not authenticated"})
	case strings.HasPrefix(message, "unsupported Content-Encoding"):
		respondJSON(w, http.StatusUnsupportedMediaType, map[string]string{"error": "Content-Encoding: gzip, zstd or none"})
	default:
		// Messages of confighttp may quote the client.
		respondError(w, errUnreadableBody)
	}
}

type callReport struct {
	Accepted int          `json:"accepted"`           // events that the pipeline has
	Rejected int          `json:"rejected,omitempty"` // items that can never be taken
	Ignored  int          `json:"ignored,omitempty"`  // items that are no authentication events
	Items    []itemReport `json:"items,omitempty"`    // each accepted or rejected one, where any was rejected
}

type itemReport struct {
	Index    int    `json:"index"`
	RecordID string `json:"record_id,omitempty"`
	Error    string `json:"error,omitempty"`
}

func (c *pushCall) buildReport() callReport {
	r := callReport{Accepted: c.accepted, Rejected: c.rejected, Ignored: c.ignored, Items: make([]itemReport, len(c.results))}
	slices.SortFunc(c.results, func(a, b itemResult) int { return cmp.Compare(a.index, b.index) })
	for i, f := range c.results {
		r.Items[i] = itemReport{Index: f.index, Error: f.reason}
		if f.reason == "" {
			r.Items[i].RecordID = f.id.String()
		}
	}
	return r
}

func respondJSON(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil { // nothing that is given here can fail
		status, text = http.StatusInternalServerError, nil
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(text)
}
