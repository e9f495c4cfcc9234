// Package containerlog reads the files in which a container's runtime keeps what the container prints, a line of output a line: kubelet's
// (CRI: time, stream, F or P, the output) and Docker's json-file. The formats themselves see the output alone, so that ids and events are those of
// a log of one's own.
package containerlog

import (
	"bytes"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

// ReadOutputOf makes of a format one that is also read where each of its lines is within a container runtime's.
func ReadOutputOf(f logformat.Format) logformat.Format {
	inner := f
	f.Detect = func(head []byte, whole bool) logformat.Verdict {
		if _, isRuntime := unwrapLine(nil, firstLine(head)); !isRuntime {
			return inner.Detect(head, whole)
		}
		return detectOutput(inner, head, whole)
	}
	f.New = func(o logformat.Options) logformat.Parser { return &outputParser{Parser: inner.New(o)} }
	return f
}

func detectOutput(f logformat.Format, head []byte, whole bool) logformat.Verdict {
	var output []byte
	var lines []int
	for line := range bytes.Lines(head) {
		if line[len(line)-1] == '\n' {
			lines = append(lines, len(output))
			output, _ = unwrapLine(output, line)
		}
	}
	// At each line: a container's entry point writes before the server does.
	for _, at := range lines {
		if f.Detect(output[at:], whole) == logformat.VerdictYes {
			return logformat.VerdictYes
		}
	}
	if whole {
		return logformat.VerdictNo
	}
	return logformat.VerdictWait
}

func firstLine(text []byte) []byte {
	if n := logformat.FirstLineLength(text); n > 0 {
		return text[:n]
	}
	return text
}
