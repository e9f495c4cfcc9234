package otlpsize

import "math"

// NewProtobuf counts a request in protobuf.
func NewProtobuf(signal Signal, limits Limits) Counter {
	if signal != Unknown {
		return newProtobufCounter(requestSchemas[signal], limits)
	}
	return &anyCounter{newProtobufCounter(requestSchemas[Logs], limits), newProtobufCounter(requestSchemas[Traces], limits), newProtobufCounter(requestSchemas[Metrics], limits)}
}

// protobufCounter reads the wire format in parts, which may end anywhere.
type protobufCounter struct {
	requestTally
	stack []openMessage

	bytesToSkip int64  // of a field without a schema
	value       uint64 // the varint that is being read
	shift       uint
	tag         uint64
	awaitsValue bool // the varint is the length of tag's field, or its value
}

type openMessage struct {
	kind      *messageSchema
	bytesLeft int64
}

func newProtobufCounter(root *messageSchema, limits Limits) *protobufCounter {
	return &protobufCounter{requestTally: requestTally{limits: limits}, stack: []openMessage{{root, math.MaxInt64}}}
}

const (
	wireVarint  = 0
	wireFixed64 = 1
	wireBytes   = 2
	wireFixed32 = 5
)

func (p *protobufCounter) Count(part []byte) error {
	if err := p.countBytes(len(part)); err != nil {
		return err
	}
	for len(part) > 0 {
		if p.bytesToSkip > 0 {
			n := min(p.bytesToSkip, int64(len(part)))
			p.bytesToSkip -= n
			part = part[n:]
			continue
		}
		p.popFinished()
		b := part[0]
		part = part[1:]
		if err := p.consumeBytes(1); err != nil {
			return err
		}
		if p.shift > 63 {
			return ErrMalformed
		}
		p.value |= uint64(b&0x7f) << p.shift
		p.shift += 7
		if b >= 0x80 {
			continue
		}
		value := p.value
		p.value, p.shift = 0, 0
		if err := p.handleVarint(value); err != nil {
			return err
		}
	}
	return nil
}

func (p *protobufCounter) consumeBytes(n int64) error {
	top := &p.stack[len(p.stack)-1]
	if n > top.bytesLeft {
		return ErrMalformed
	}
	top.bytesLeft -= n
	return nil
}

func (p *protobufCounter) popFinished() {
	if p.shift > 0 || p.awaitsValue {
		return
	}
	for p.stack[len(p.stack)-1].bytesLeft == 0 {
		p.stack = p.stack[:len(p.stack)-1]
	}
}

func (p *protobufCounter) handleVarint(value uint64) error {
	if !p.awaitsValue {
		return p.beginField(value)
	}
	p.awaitsValue = false
	if p.tag&7 == wireVarint {
		return p.countField(0)
	}
	if value > math.MaxInt32 {
		return ErrMalformed
	}
	return p.countField(int64(value))
}

func (p *protobufCounter) beginField(tag uint64) error {
	p.tag = tag
	switch tag & 7 {
	case wireVarint, wireBytes:
		p.awaitsValue = true
		return nil
	case wireFixed64:
		return p.skipField(8)
	case wireFixed32:
		return p.skipField(4)
	}
	return ErrMalformed
}

// countField takes a field whose n bytes follow; those of a varint are already read.
func (p *protobufCounter) countField(n int64) error {
	if p.tag&7 != wireBytes {
		return nil
	}
	f, known := p.stack[len(p.stack)-1].kind.fields[p.tag>>3]
	if !known {
		return p.skipField(n)
	}
	count := int64(1)
	if f.packed {
		count = n
	}
	if err := p.countElements(f.weight, count); err != nil {
		return err
	}
	if f.inner == nil {
		return p.skipField(n)
	}
	if err := p.consumeBytes(n); err != nil {
		return err
	}
	if len(p.stack) > maxNesting {
		return ErrNesting
	}
	p.stack = append(p.stack, openMessage{f.inner, n})
	return nil
}

func (p *protobufCounter) skipField(n int64) error {
	if err := p.consumeBytes(n); err != nil {
		return err
	}
	p.bytesToSkip = n
	return nil
}
