package mongodblog

import (
	"strings"
	"time"

	"github.com/go-faster/jx"
)

// unwrapContainerLine removes what a container's runtime puts around each line of its standard output: Kubernetes (CRI) a time, the stream and F
// before it, Docker an object whose first key is log. Nobody who logs in can write either, for mongod's own line is inside.
func unwrapContainerLine(text string) string {
	if strings.HasPrefix(text, `{"log":`) {
		inner := ""
		d := jx.DecodeStr(text)
		err := walkObject(d, func(key []byte) error { return readTextOfKey(d, key, "log", &inner) })
		if err != nil {
			return text
		}
		return strings.TrimSpace(inner)
	}
	stamp, rest, _ := strings.Cut(text, " ")
	stream, line, found := strings.Cut(rest, " F ")
	if !found || stream != "stdout" && stream != "stderr" {
		return text
	}
	if _, err := time.Parse(time.RFC3339Nano, stamp); err != nil {
		return text
	}
	return line
}
