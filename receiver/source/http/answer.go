package httpsource

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// fault is why a call is refused as a whole.
type fault struct {
	status int
	text   string
}

func (f *fault) Error() string { return f.text }

// Every reason to refuse a call. None repeats what the sender sent.
var (
	errNoDialect       = &fault{http.StatusNotFound, "no such dialect: keycloak, okta, auth0, ocsf, ecs, github, gitlab, sessionlog"}
	errNoSender        = &fault{http.StatusNotFound, "no such sender: the path ends with the name of one of the configured senders"}
	errForeign         = &fault{http.StatusForbidden, "a browser has sent this for a page of another site: set cors to let it in"}
	errUnsigned        = &fault{http.StatusUnauthorized, "the signature is missing or wrong"}
	errUnsignedHeaders = &fault{http.StatusBadRequest, "ce- headers are not signed: send the CloudEvent in structured mode, as the body"}
	errMedia           = &fault{http.StatusUnsupportedMediaType, "send application/json or application/x-ndjson, in UTF-8"}
	errLongKey         = &fault{http.StatusBadRequest, "Idempotency-Key: longer than 1024 bytes"}
	errTooLarge        = &fault{http.StatusRequestEntityTooLarge, "the body is too large: send fewer events in one call"}
	errTooMany         = &fault{http.StatusRequestEntityTooLarge, "too many events in one call"}
	errSlow            = &fault{http.StatusRequestTimeout, "the body came too slowly"}
	errCutOff          = &fault{http.StatusBadRequest, "the body cannot be read to its end, or is not what Content-Encoding says"}
	errFull            = &fault{http.StatusTooManyRequests, "the bodies of other calls fill the memory: come again"}
	errBusy            = &fault{http.StatusTooManyRequests, "too many calls at once: come again"}
	errStopping        = &fault{http.StatusServiceUnavailable, "the receiver is stopping: come again"}
	// errUndelivered may leave events delivered: the same call again is the same records.
	errUndelivered = &fault{http.StatusServiceUnavailable, "the pipeline has not taken all events: send the same call again"}
)

// retryUndelivered is the Retry-After, in seconds, of what is at fault for a while. Of what is full it is [backlog]'s.
const retryUndelivered = "5"

// refuse answers a call none of whose items was looked at, or whose delivery failed.
func refuse(w http.ResponseWriter, err error) {
	f, ok := err.(*fault) //nolint:errorlint // all errors of a call are made here
	if !ok {
		f = errUndelivered
	}
	if f.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", retryUndelivered)
	}
	respond(w, f.status, map[string]string{"error": f.text})
}

// refuseEarly is for what confighttp refuses by itself: a client that the auth extension does not know, a Content-Encoding that is not
// taken or not true. Its messages may quote the client, so they are not passed on.
func refuseEarly(w http.ResponseWriter, _ *http.Request, message string, status int) {
	switch {
	case status == http.StatusUnauthorized:
		respond(w, status, map[string]string{"error": "not authenticated"})
	case strings.HasPrefix(message, "unsupported Content-Encoding"):
		respond(w, http.StatusUnsupportedMediaType, map[string]string{"error": "Content-Encoding: gzip, zstd or none"})
	default:
		refuse(w, errCutOff)
	}
}

// report is the answer to a call that was read.
type report struct {
	Accepted int    `json:"accepted"`           // events that the pipeline has
	Rejected int    `json:"rejected,omitempty"` // items that can never be taken
	Ignored  int    `json:"ignored,omitempty"`  // items that are no authentication events
	Items    []item `json:"items,omitempty"`    // each accepted or rejected one, where any was rejected
}

type item struct {
	Index    int    `json:"index"`
	RecordID string `json:"record_id,omitempty"`
	Error    string `json:"error,omitempty"`
}

func (c *call) report() report {
	r := report{Accepted: c.accepted, Rejected: c.rejected, Ignored: c.ignored, Items: make([]item, len(c.results))}
	slices.SortFunc(c.results, func(a, b itemResult) int { return cmp.Compare(a.index, b.index) })
	for i, f := range c.results {
		r.Items[i] = item{Index: f.index, Error: f.reason}
		if f.reason == "" {
			r.Items[i].RecordID = f.id.String()
		}
	}
	return r
}

func respond(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil { // nothing that is given here can fail
		status, text = http.StatusInternalServerError, nil
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(text)
}
