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
	resourceSchema                               = messageSchema{fields: map[uint64]fieldSchema{1: {&keyValue, countedAsAttribute, false}, 3: {&entityRef, countedAsRecord, false}}}
	scopeSchema                                  = messageSchema{fields: map[uint64]fieldSchema{3: {&keyValue, countedAsAttribute, false}}}

	logRecord = messageSchema{fields: map[uint64]fieldSchema{5: {&anyValue, notCounted, false}, 6: {&keyValue, countedAsAttribute, false}}}

	spanEvent  = messageSchema{fields: map[uint64]fieldSchema{3: {&keyValue, countedAsAttribute, false}}}
	spanLink   = messageSchema{fields: map[uint64]fieldSchema{4: {&keyValue, countedAsAttribute, false}}}
	spanSchema = messageSchema{fields: map[uint64]fieldSchema{9: {&keyValue, countedAsAttribute, false}, 11: {&spanEvent, countedAsRecord, false}, 13: {&spanLink, countedAsRecord, false}}}

	exemplarSchema     = messageSchema{fields: map[uint64]fieldSchema{7: {&keyValue, countedAsAttribute, false}}}
	bucketsSchema      = messageSchema{fields: map[uint64]fieldSchema{2: {nil, countedAsAttribute, true}}}
	numberPoint        = messageSchema{fields: map[uint64]fieldSchema{5: {&exemplarSchema, countedAsRecord, false}, 7: {&keyValue, countedAsAttribute, false}}}
	histogramSchema    = messageSchema{fields: map[uint64]fieldSchema{8: {&exemplarSchema, countedAsRecord, false}, 9: {&keyValue, countedAsAttribute, false}}}
	exponentialSchema  = messageSchema{fields: map[uint64]fieldSchema{1: {&keyValue, countedAsAttribute, false}, 8: {&bucketsSchema, notCounted, false}, 9: {&bucketsSchema, notCounted, false}, 11: {&exemplarSchema, countedAsRecord, false}}}
	summarySchema      = messageSchema{fields: map[uint64]fieldSchema{6: {nil, countedAsAttribute, false}, 7: {&keyValue, countedAsAttribute, false}}}
	numbersSchema      = messageSchema{fields: map[uint64]fieldSchema{1: {&numberPoint, countedAsRecord, false}}}
	histogramsSchema   = messageSchema{fields: map[uint64]fieldSchema{1: {&histogramSchema, countedAsRecord, false}}}
	exponentialsSchema = messageSchema{fields: map[uint64]fieldSchema{1: {&exponentialSchema, countedAsRecord, false}}}
	summariesSchema    = messageSchema{fields: map[uint64]fieldSchema{1: {&summarySchema, countedAsRecord, false}}}
	metricSchema       = messageSchema{fields: map[uint64]fieldSchema{
		5: {&numbersSchema, notCounted, false}, 7: {&numbersSchema, notCounted, false}, 9: {&histogramsSchema, notCounted, false}, 10: {&exponentialsSchema, notCounted, false},
		11: {&summariesSchema, notCounted, false}, 12: {&keyValue, countedAsAttribute, false},
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
	scoped := &messageSchema{fields: map[uint64]fieldSchema{1: {&scopeSchema, notCounted, false}, 2: {record, countedAsRecord, false}}}
	resourced := &messageSchema{fields: map[uint64]fieldSchema{1: {&resourceSchema, notCounted, false}, 2: {scoped, countedAsRecord, false}, 1000: {scoped, countedAsRecord, false}}}
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

var requestSchemas = map[Signal]*messageSchema{Logs: requestSchema(&logRecord), Traces: requestSchema(&spanSchema), Metrics: requestSchema(&metricSchema)}
