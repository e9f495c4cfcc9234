package containerlog

import (
	"bytes"
	"unsafe"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

// outputParser hands the records of a runtime's file to the parser of the output. What the first line is decides for the whole text: a later line that
// only looks like a runtime's is a client's doing.
type outputParser struct {
	logformat.Parser
	decided, wrapped bool
	output           []byte
	ends             []lineEnd
	// The end of the last record, as the parser of the output counts it and in the text.
	outputEnd, textEnd int64
}

// lineEnd is where a line ends in the output and in the runtime's text.
type lineEnd struct{ output, text int }

func (p *outputParser) decideByFirstLine(text []byte) {
	_, p.wrapped = unwrapLine(nil, firstLine(text))
	p.decided = true
}

// Frame unwraps as many lines as the parser of the output wants to see.
func (p *outputParser) Frame(data []byte, final bool) int {
	if !p.decided && (final || logformat.FirstLineLength(data) > 0) {
		p.decideByFirstLine(data)
	}
	if !p.wrapped {
		return p.Parser.Frame(data, final)
	}
	p.output, p.ends = p.output[:0], p.ends[:0]
	for at, askAt := 0, 1; at < len(data); {
		n := logformat.FirstLineLength(data[at:])
		if n == 0 {
			if !final {
				break
			}
			n = len(data) - at
		}
		p.output, _ = unwrapLine(p.output, data[at:at+n])
		at += n
		p.ends = append(p.ends, lineEnd{len(p.output), at})
		if len(p.ends) < askAt {
			continue
		}
		askAt *= 2 // a record of thousands of lines is looked at a few times only
		if n := p.Parser.Frame(p.output, false); n > 0 {
			return p.textLength(n)
		}
	}
	if len(p.ends) == 0 {
		return 0
	}
	if n := p.Parser.Frame(p.output, final); n > 0 {
		return p.textLength(n)
	}
	if final {
		return len(data)
	}
	return 0
}

// textLength is the length in the text of so many bytes of output.
func (p *outputParser) textLength(output int) int {
	for _, end := range p.ends {
		if end.output >= output {
			return end.text
		}
	}
	return p.ends[len(p.ends)-1].text
}

func (p *outputParser) Parse(record string, offset int64, batch *logformat.EventBatch) error {
	text := unsafe.Slice(unsafe.StringData(record), len(record)) // not kept
	if !p.decided {
		p.decideByFirstLine(text)
	}
	if !p.wrapped {
		return p.Parser.Parse(record, offset, batch)
	}
	var output []byte
	for line := range bytes.Lines(text) {
		output, _ = unwrapLine(output, line)
	}
	p.outputEnd, p.textEnd = offset+int64(len(output)), offset+int64(len(record))
	return p.Parser.Parse(string(output), offset, batch)
}

// ResumeOffset knows the end of the last record; every other place is one that Parse was given.
func (p *outputParser) ResumeOffset() int64 {
	at := p.Parser.ResumeOffset()
	if at == p.outputEnd {
		return p.textEnd
	}
	return at
}

func (p *outputParser) Restore(offset int64, state []byte, textGone bool) error {
	p.outputEnd, p.textEnd = offset, offset
	return p.Parser.Restore(offset, state, textGone)
}
