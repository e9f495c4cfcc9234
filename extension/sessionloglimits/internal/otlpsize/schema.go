// Package otlpsize counts what an OTLP request will be once it is decoded, while its bytes go by: the records and the attributes
// that it unpacks to cost a hundred times what they take on the wire. It keeps nothing of what it reads.
package otlpsize

// message is what is known of a message of OTLP: its fields that are messages or lists.
// Source: the .proto files of opentelemetry-proto v1 (common, resource, logs, trace, metrics).
type message struct {
	fields map[uint64]field
}

// field is one that costs memory by its number, not by its bytes.
type field struct {
	inner  *message
	weight weight
	packed bool // a list of numbers in one field: each byte may be one
}

// weight says which limit a message counts against.
type weight uint8

const (
	free  weight = iota // there is one in each parent
	heavy               // a record, or a resource or scope around records: some 150 bytes or more
	light               // an attribute, or a value within one
)

var (
	anyValue, arrayValue, keyValueList, keyValue message
	entityRef                                    = message{fields: map[uint64]field{3: {weight: light}, 4: {weight: light}}}
	resource                                     = message{fields: map[uint64]field{1: {&keyValue, light, false}, 3: {&entityRef, heavy, false}}}
	scope                                        = message{fields: map[uint64]field{3: {&keyValue, light, false}}}

	logRecord = message{fields: map[uint64]field{5: {&anyValue, free, false}, 6: {&keyValue, light, false}}}

	spanEvent = message{fields: map[uint64]field{3: {&keyValue, light, false}}}
	spanLink  = message{fields: map[uint64]field{4: {&keyValue, light, false}}}
	span      = message{fields: map[uint64]field{9: {&keyValue, light, false}, 11: {&spanEvent, heavy, false}, 13: {&spanLink, heavy, false}}}

	exemplar     = message{fields: map[uint64]field{7: {&keyValue, light, false}}}
	buckets      = message{fields: map[uint64]field{2: {nil, light, true}}}
	numberPoint  = message{fields: map[uint64]field{5: {&exemplar, heavy, false}, 7: {&keyValue, light, false}}}
	histogram    = message{fields: map[uint64]field{8: {&exemplar, heavy, false}, 9: {&keyValue, light, false}}}
	exponential  = message{fields: map[uint64]field{1: {&keyValue, light, false}, 8: {&buckets, free, false}, 9: {&buckets, free, false}, 11: {&exemplar, heavy, false}}}
	summary      = message{fields: map[uint64]field{6: {nil, light, false}, 7: {&keyValue, light, false}}}
	numbers      = message{fields: map[uint64]field{1: {&numberPoint, heavy, false}}}
	histograms   = message{fields: map[uint64]field{1: {&histogram, heavy, false}}}
	exponentials = message{fields: map[uint64]field{1: {&exponential, heavy, false}}}
	summaries    = message{fields: map[uint64]field{1: {&summary, heavy, false}}}
	metric       = message{fields: map[uint64]field{
		5: {&numbers, free, false}, 7: {&numbers, free, false}, 9: {&histograms, free, false}, 10: {&exponentials, free, false},
		11: {&summaries, free, false}, 12: {&keyValue, light, false},
	}}
)

func init() { // these refer to each other
	anyValue = message{fields: map[uint64]field{5: {&arrayValue, free, false}, 6: {&keyValueList, free, false}}}
	arrayValue = message{fields: map[uint64]field{1: {&anyValue, light, false}}}
	keyValueList = message{fields: map[uint64]field{1: {&keyValue, light, false}}}
	keyValue = message{fields: map[uint64]field{2: {&anyValue, free, false}}}
}

// request is the shape that the three signals share: resources, scopes within, records within.
func request(record *message) *message {
	scoped := &message{fields: map[uint64]field{1: {&scope, free, false}, 2: {record, heavy, false}}}
	resourced := &message{fields: map[uint64]field{1: {&resource, free, false}, 2: {scoped, heavy, false}, 1000: {scoped, heavy, false}}}
	return &message{fields: map[uint64]field{1: {resourced, heavy, false}}}
}

// Signal says what a request holds.
type Signal int

// The signals.
const (
	Unknown Signal = iota // counted as whichever of the others is most
	Logs
	Traces
	Metrics
)

var requests = map[Signal]*message{Logs: request(&logRecord), Traces: request(&span), Metrics: request(&metric)}
