package otlpsize

import "math"

// NewProtobuf counts a request in protobuf.
func NewProtobuf(signal Signal, limits Limits) Counter {
	if signal != Unknown {
		return newProtobuf(requests[signal], limits)
	}
	return &anyOf{newProtobuf(requests[Logs], limits), newProtobuf(requests[Traces], limits), newProtobuf(requests[Metrics], limits)}
}

// protobuf walks the wire format. A part may end anywhere.
type protobuf struct {
	tally
	stack []open

	skip   int64  // bytes that are of no interest
	value  uint64 // the varint that is being read
	shift  uint
	tag    uint64
	length bool // the varint is the length of tag's field, or its value
}

// open is a message that has bytes to come.
type open struct {
	kind *message
	left int64
}

func newProtobuf(root *message, limits Limits) *protobuf {
	return &protobuf{tally: tally{limits: limits}, stack: []open{{root, math.MaxInt64}}}
}

const (
	wireVarint  = 0
	wireFixed64 = 1
	wireBytes   = 2
	wireFixed32 = 5
)

func (p *protobuf) Count(part []byte) error {
	if err := p.addBytes(len(part)); err != nil {
		return err
	}
	for len(part) > 0 {
		if p.skip > 0 {
			n := min(p.skip, int64(len(part)))
			p.skip -= n
			part = part[n:]
			continue
		}
		p.closeEnded()
		b := part[0]
		part = part[1:]
		if err := p.take(1); err != nil {
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
		if err := p.varint(value); err != nil {
			return err
		}
	}
	return nil
}

// take uses n bytes of the innermost message.
func (p *protobuf) take(n int64) error {
	top := &p.stack[len(p.stack)-1]
	if n > top.left {
		return ErrMalformed
	}
	top.left -= n
	return nil
}

// closeEnded leaves messages whose bytes are read, but not in the middle of a field.
func (p *protobuf) closeEnded() {
	if p.shift > 0 || p.length {
		return
	}
	for p.stack[len(p.stack)-1].left == 0 {
		p.stack = p.stack[:len(p.stack)-1]
	}
}

// varint is a tag, or what belongs to the tag before.
func (p *protobuf) varint(value uint64) error {
	if !p.length {
		return p.beginField(value)
	}
	p.length = false
	if p.tag&7 == wireVarint {
		return p.countField(0)
	}
	if value > math.MaxInt32 {
		return ErrMalformed
	}
	return p.countField(int64(value))
}

func (p *protobuf) beginField(tag uint64) error {
	p.tag = tag
	switch tag & 7 {
	case wireVarint, wireBytes:
		p.length = true
		return nil
	case wireFixed64:
		return p.skipField(8)
	case wireFixed32:
		return p.skipField(4)
	}
	return ErrMalformed
}

// countField is a field whose n bytes follow, but none of a number, which is read.
func (p *protobuf) countField(n int64) error {
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
	if err := p.add(f.weight, count); err != nil {
		return err
	}
	if f.inner == nil {
		return p.skipField(n)
	}
	if err := p.take(n); err != nil {
		return err
	}
	if len(p.stack) > maxNesting {
		return ErrNesting
	}
	p.stack = append(p.stack, open{f.inner, n})
	return nil
}

func (p *protobuf) skipField(n int64) error {
	if err := p.take(n); err != nil {
		return err
	}
	p.skip = n
	return nil
}
