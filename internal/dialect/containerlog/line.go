package containerlog

import (
	"bytes"

	"github.com/go-faster/jx"
)

// unwrapLine adds the output that a line of the runtime holds, with its line end unless more of the same line of output follows. A line that is not a
// runtime's is added as it stands: whoever reads the output counts it as bad.
func unwrapLine(output, line []byte) (_ []byte, isRuntime bool) {
	if content, partial, ok := kubeletLine(line); ok {
		if partial {
			content = bytes.TrimRight(content, "\r\n")
		}
		return append(output, content...), true
	}
	if content, ok := dockerLine(line); ok {
		return append(output, content...), true
	}
	return append(output, line...), false
}

const timeLength = len("2006-01-02T15:04:05Z")

func kubeletLine(line []byte) (content []byte, partial, ok bool) {
	// "2026-01-02T15:04:05.123456789Z stderr F output"; P in place of F says that the output's line goes on in the next one.
	stamp, rest, found := bytes.Cut(line, []byte(" "))
	if !found || len(stamp) < timeLength || stamp[4] != '-' || stamp[10] != 'T' || stamp[13] != ':' {
		return nil, false, false
	}
	stream, rest, _ := bytes.Cut(rest, []byte(" "))
	if s := string(stream); s != "stdout" && s != "stderr" {
		return nil, false, false
	}
	tag, content, found := bytes.Cut(rest, []byte(" "))
	if !found { // an empty line of output, of which some runtimes write no blank
		tag = bytes.TrimRight(rest, "\r\n")
		content = rest[len(tag):]
	}
	tag, _, _ = bytes.Cut(tag, []byte(":"))
	switch string(tag) {
	case "F":
		return content, false, true
	case "P":
		return content, true, true
	}
	return nil, false, false
}

func dockerLine(line []byte) (content []byte, ok bool) {
	if len(line) == 0 || line[0] != '{' || !bytes.Contains(line, []byte(`"stream":"std`)) {
		return nil, false
	}
	found := false
	// {"log":"output\n","stream":"stderr","time":"…"}, keys in any order and beside others, as collectors of nodes pass it on. Docker leaves the
	// line end out where more of the output's line follows.
	err := jx.DecodeBytes(line).ObjBytes(func(d *jx.Decoder, key []byte) (err error) {
		if string(key) != "log" || d.Next() != jx.String {
			return d.Skip()
		}
		found = true
		content, err = d.StrAppend(nil)
		return err
	})
	return content, found && err == nil
}
