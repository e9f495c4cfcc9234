package sessionlogforwardexporter

import (
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/shape"
	"github.com/otel-sessionlog/sessionlog/session"
)

// forwardProtocol is one way in which targets take documents over HTTP.
type forwardProtocol struct {
	formats       []shape.Format // the shapes that it can carry
	defaultFormat shape.Format
	example       string // of an endpoint
	contentType   string
	path          string // after the endpoint's own, unless that ends with it
	open          func(c TargetConfig, format shape.Format) protocolWriter
}

// protocolWriter writes records and reads what the target says of them.
type protocolWriter interface {
	// appendRecord appends the document of e with what the protocol wants around it.
	appendRecord(body []byte, e *session.Event, document []byte) []byte
	// prepare adds what a call needs beside its body.
	prepare(*http.Request)
	// readAnswer reads the answer to a call with n records. Its error is none of the target's: an answer that cannot be read.
	readAnswer(status int, body io.Reader, n int) (targetAnswer, error)
	// isProbeAnswer is true for the answer that a call without records gets where it would be taken with records.
	isProbeAnswer(status int) bool
	// authKey is the YAML key of what proves who calls.
	authKey() string
}

type targetAnswer struct {
	verdict callVerdict
	reason  string         // of what was not taken; holds no value of a record
	key     string         // the YAML key that mends it, "" where none does
	records []recordAnswer // of single records, with [seeRecords]
	ackID   *int           // what is asked for until the target has what it took; nil where yes is all it says
}

type callVerdict uint8

const (
	takenAll    callVerdict = iota
	seeRecords              // each record has its own
	refusedSome             // at least one record cannot be taken, and which is not said
	tryAgain                // nothing of it was taken, or nobody knows
	isFailing               // the same, and the target is at fault, unless one record makes it so
)

type recordAnswer struct {
	verdict recordVerdict
	reason  string
}

type recordVerdict uint8

const (
	recordTaken recordVerdict = iota
	recordKnown               // was there already, under its id
	recordRefused
	recordLater
	recordFailing     // the target is at fault, unless the record makes it so
	recordUnavailable // the same, and more often a part of the target that is away
	recordSetAside    // refused, and kept by the target where it keeps what it refuses: to ask again would make another copy there
)

var forwardProtocols = map[string]forwardProtocol{
	protocolElasticsearch: {
		formats: []shape.Format{shape.ECS, shape.OCSF, shape.Flat, shape.CIM}, defaultFormat: shape.ECS,
		example: "https://elasticsearch.example.com:9200", contentType: "application/x-ndjson", path: "/_bulk",
		open: openElasticsearch,
	},
	protocolSplunkHEC: {
		formats: []shape.Format{shape.CIM, shape.OCSF, shape.ECS, shape.Flat, shape.CEF}, defaultFormat: shape.CIM,
		example: "https://splunk.example.com:8088", contentType: "application/json", path: "/services/collector/event",
		open: openSplunkHEC,
	},
	protocolNDJSON: {
		formats: []shape.Format{shape.Flat, shape.OCSF, shape.ECS, shape.CIM}, defaultFormat: shape.Flat,
		example: "https://logs.example.com/insert/jsonline", contentType: "application/x-ndjson",
		open: openNDJSON,
	},
}

func (p forwardProtocol) requestURL(endpoint string) (string, error) {
	u, err := url.Parse(endpoint)
	if err != nil {
		return "", err
	}
	if whole := strings.TrimSuffix(u.Path, "/"); p.path != "" && !strings.HasSuffix(whole, p.path) {
		u.Path = strings.TrimSuffix(whole, path.Dir(p.path)) + p.path // Splunk's own documents end at /services/collector
	}
	return u.String(), nil
}

func (p forwardProtocol) formatNames() string {
	names := make([]string, len(p.formats))
	for i, f := range p.formats {
		names[i] = string(f)
	}
	return strings.Join(names, ", ")
}
