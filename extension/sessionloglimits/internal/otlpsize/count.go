package otlpsize

import "errors"

// Limits of one request.
type Limits struct {
	Records, Attributes, Bytes int64
}

// The errors of a counter. The first three name a limit that is exceeded.
var (
	ErrRecords    = errors.New("too many records")
	ErrAttributes = errors.New("too many attributes")
	ErrBytes      = errors.New("too many bytes")
	ErrNesting    = errors.New("values are nested too deeply")
	ErrMalformed  = errors.New("this is no OTLP")
)

// maxNesting is how deep messages may be nested: a recursive decoder needs stack for each. Values of
// applications have a handful.
const maxNesting = 128

// Counter takes the bytes of a request in order, whole or in parts.
type Counter interface {
	// Count returns an error as soon as it is certain that the request must be refused.
	Count(part []byte) error
}

type requestTally struct {
	limits                     Limits
	records, attributes, bytes int64
}

func (t *requestTally) countElements(w fieldWeight, n int64) error {
	switch w {
	case countedAsRecord:
		if t.records += n; t.records > t.limits.Records {
			return ErrRecords
		}
	case countedAsAttribute:
		if t.attributes += n; t.attributes > t.limits.Attributes {
			return ErrAttributes
		}
	}
	return nil
}

func (t *requestTally) countBytes(n int) error {
	if t.bytes += int64(n); t.bytes > t.limits.Bytes {
		return ErrBytes
	}
	return nil
}

// anyCounter counts by several schemas, as long as the request can be read by them. The first that exceeds a limit refuses it.
type anyCounter []Counter

func (a *anyCounter) Count(part []byte) error {
	readable := (*a)[:0]
	for _, c := range *a {
		switch err := c.Count(part); {
		case err == nil:
			readable = append(readable, c)
		case errors.Is(err, ErrMalformed):
		default:
			return err
		}
	}
	if *a = readable; len(readable) == 0 {
		return ErrMalformed
	}
	return nil
}
