// Package otlpsize counts what an OTLP request will decode to while it is received: the records and the attributes
// cost a hundred times what they take on the wire. It keeps nothing of what it reads.
package otlpsize

// messageSchema has the fields of an OTLP message that are messages or lists.
// Source: the .proto files of opentelemetry-proto v1 (common, resource, logs, trace, metrics).
type messageSchema struct {
	fields map[uint64]fieldSchema
}

// fieldSchema is a field whose memory depends on its count, not on its bytes.
type fieldSchema struct {
	inner  *messageSchema
	weight fieldWeight
	packed bool // a list of numbers in one field: each byte may be one
}

// fieldWeight is the limit that a message counts against.
type fieldWeight uint8

const (
	notCounted         fieldWeight = iota // there is one in each parent
	countedAsRecord                       // a record, or a resource or scope around records: some 150 bytes or more
	countedAsAttribute                    // an attribute, or a value within one
)

var (
	anyValue, arrayValue, keyValueList, keyValue messageSchema
	entityRef                                    = messageSchema{fields: map[uint64]fieldSchema{3: {weight: countedAsAttribute}, 4: {weight: countedAsAttribute}}}
	resource                                     = messageSchema{fields: map[uint64]fieldSchema{1: {&keyValue, countedAsAttribute, false}, 3: {&entityRef, countedAsRecord, false}}}
	scope                                        = messageSchema{fields: map[uint64]fieldSchema{3: {&keyValue, countedAsAttribute, false}}}

	logRecord = messageSchema{fields: map[uint64]fieldSchema{5: {&anyValue, notCounted, false}, 6: {&keyValue, countedAsAttribute, false}}}

	spanEvent = messageSchema{fields: map[uint64]fieldSchema{3: {&keyValue, countedAsAttribute, false}}}
	spanLink  = messageSchema{fields: map[uint64]fieldSchema{4: {&keyValue, countedAsAttribute, false}}}
	span      = messageSchema{fields: map[uint64]fieldSchema{9: {&keyValue, countedAsAttribute, false}, 11: {&spanEvent, countedAsRecord, false}, 13: {&spanLink, countedAsRecord, false}}}

	exemplar     = messageSchema{fields: map[uint64]fieldSchema{7: {&keyValue, countedAsAttribute, false}}}
	buckets      = messageSchema{fields: map[uint64]fieldSchema{2: {nil, countedAsAttribute, true}}}
	numberPoint  = messageSchema{fields: map[uint64]fieldSchema{5: {&exemplar, countedAsRecord, false}, 7: {&keyValue, countedAsAttribute, false}}}
	histogram    = messageSchema{fields: map[uint64]fieldSchema{8: {&exemplar, countedAsRecord, false}, 9: {&keyValue, countedAsAttribute, false}}}
	exponential  = messageSchema{fields: map[uint64]fieldSchema{1: {&keyValue, countedAsAttribute, false}, 8: {&buckets, notCounted, false}, 9: {&buckets, notCounted, false}, 11: {&exemplar, countedAsRecord, false}}}
	summary      = messageSchema{fields: map[uint64]fieldSchema{6: {nil, countedAsAttribute, false}, 7: {&keyValue, countedAsAttribute, false}}}
	numbers      = messageSchema{fields: map[uint64]fieldSchema{1: {&numberPoint, countedAsRecord, false}}}
	histograms   = messageSchema{fields: map[uint64]fieldSchema{1: {&histogram, countedAsRecord, false}}}
	exponentials = messageSchema{fields: map[uint64]fieldSchema{1: {&exponential, countedAsRecord, false}}}
	summaries    = messageSchema{fields: map[uint64]fieldSchema{1: {&summary, countedAsRecord, false}}}
	metric       = messageSchema{fields: map[uint64]fieldSchema{
		5: {&numbers, notCounted, false}, 7: {&numbers, notCounted, false}, 9: {&histograms, notCounted, false}, 10: {&exponentials, notCounted, false},
		11: {&summaries, notCounted, false}, 12: {&keyValue, countedAsAttribute, false},
	}}
)

func init() { // these refer to each other
	anyValue = messageSchema{fields: map[uint64]fieldSchema{5: {&arrayValue, notCounted, false}, 6: {&keyValueList, notCounted, false}}}
	arrayValue = messageSchema{fields: map[uint64]fieldSchema{1: {&anyValue, countedAsAttribute, false}}}
	keyValueList = messageSchema{fields: map[uint64]fieldSchema{1: {&keyValue, countedAsAttribute, false}}}
	keyValue = messageSchema{fields: map[uint64]fieldSchema{2: {&anyValue, notCounted, false}}}
}

// requestSchema nests records in scopes in resources, as all signals do.
func requestSchema(record *messageSchema) *messageSchema {
	scoped := &messageSchema{fields: map[uint64]fieldSchema{1: {&scope, notCounted, false}, 2: {record, countedAsRecord, false}}}
	resourced := &messageSchema{fields: map[uint64]fieldSchema{1: {&resource, notCounted, false}, 2: {scoped, countedAsRecord, false}, 1000: {scoped, countedAsRecord, false}}}
	return &messageSchema{fields: map[uint64]fieldSchema{1: {resourced, countedAsRecord, false}}}
}

// Signal is the signal of a request.
type Signal int

// The signals.
const (
	Unknown Signal = iota // counted as each of the others
	Logs
	Traces
	Metrics
)

var requestSchemas = map[Signal]*messageSchema{Logs: requestSchema(&logRecord), Traces: requestSchema(&span), Metrics: requestSchema(&metric)}
