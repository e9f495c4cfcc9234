package shape

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/session"
)

// cefLengths are the predefined extensions that we use, and the longest text that each takes; -1 is a number, -4 and -6 an address.
var cefLengths = map[string]int{
	"rt": -1, "cat": 1023, "externalId": 40, "act": 63, "outcome": 63, "duser": 1023, "duid": 1023, "suser": 1023, "suid": 1023, "src": -4, "dst": -4, "c6a2": -6, "c6a3": -6,
	"c6a2Label": 1023, "c6a3Label": 1023, "shost": 1023, "spt": -1, "dpt": -1, "dvchost": 100, "deviceExternalId": 255, "app": 31, "requestClientApplication": 1023, "reason": 1023,
	"msg": 1023, "dpid": -1, "cs1": 4000, "cs2": 4000, "cs3": 4000, "cs4": 4000, "cs5": 4000, "cs1Label": 1023, "cs2Label": 1023, "cs3Label": 1023, "cs4Label": 1023, "cs5Label": 1023,
	"cn1": -1, "cn1Label": 1023,
}

var (
	customExtensionName = regexp.MustCompile(`^OtelSessionlog[A-Z][A-Za-z0-9]*$`)
	extensionName       = regexp.MustCompile(`^[A-Za-z0-9]+$`)
)

// nextExtension is where the name of an extension begins with its space, or -1: an escaped = has a backslash before it.
func nextExtension(s string) int {
	for at := 0; ; at++ {
		length := strings.IndexByte(s[at:], '=')
		if length < 0 {
			return -1
		}
		at += length
		if space := strings.LastIndexByte(s[:at], ' '); space >= 0 && extensionName.MatchString(s[space+1:at]) {
			return space
		}
	}
}

// parseCEF reads a line as a receiver does: a header of seven parts, then extensions, each up to the next name.
func parseCEF(line string) (header []string, extensions map[string]string, err error) {
	if strings.ContainsAny(line, "\r\n\x00") {
		return nil, nil, errors.New("more than one line")
	}
	rest := line
	for len(header) < 7 {
		end := 0
		for end < len(rest) && rest[end] != '|' {
			if rest[end] == '\\' {
				end++
			}
			end++
		}
		if end >= len(rest) {
			return nil, nil, errors.New("the header has too few parts")
		}
		header, rest = append(header, strings.NewReplacer(`\|`, `|`, `\\`, `\`).Replace(rest[:end])), rest[end+1:]
	}
	if header[0] != "CEF:0" {
		return nil, nil, errors.New("not CEF:0")
	}
	extensions = map[string]string{}
	for rest != "" {
		name, value, ok := strings.Cut(rest, "=")
		if !ok {
			return nil, nil, fmt.Errorf("no = in %q", rest)
		}
		rest = ""
		if next := nextExtension(" " + value); next >= 0 {
			at := max(next-1, 0)
			value, rest = value[:at], strings.TrimPrefix(value[at:], " ")
		}
		if _, twice := extensions[name]; twice {
			return nil, nil, fmt.Errorf("%s is there twice", name)
		}
		extensions[name] = strings.NewReplacer(`\\`, `\`, `\=`, `=`, `\n`, "\n", `\r`, "\r").Replace(value)
	}
	return header, extensions, nil
}

func checkCEF(document []byte) error {
	_, extensions, err := parseCEF(string(document))
	if err != nil {
		return err
	}
	for name, value := range extensions {
		most, predefined := cefLengths[name]
		switch {
		case !predefined && !customExtensionName.MatchString(name):
			return fmt.Errorf("%s is no extension", name)
		case most == -1:
			if _, err := strconv.ParseInt(value, 10, 64); err != nil {
				return fmt.Errorf("%s: no number", name)
			}
		case most == -4 || most == -6:
			if address, err := netip.ParseAddr(value); err != nil || address.Is4() != (most == -4) {
				return fmt.Errorf("%s: no such address", name)
			}
		case predefined && len(value) > most:
			return fmt.Errorf("%s: %d characters", name, len(value))
		}
		if strings.HasSuffix(name, "pt") && predefined {
			if n, _ := strconv.Atoi(value); n < 0 || n > 65535 {
				return fmt.Errorf("%s: %s", name, value)
			}
		}
	}
	return nil
}

// TestCEFKeepsItsLine: nothing in a value can begin another part, extension or line.
func TestCEFKeepsItsLine(t *testing.T) {
	e := &session.Event{
		Kind: session.KindLogin, Time: 1, System: "a|b\\c\nd", User: "x duser=root", FailureReason: "line\nline\\n src=10.0.0.1|", Database: `back\slash`, ClientHostname: "=",
	}
	header, extensions, err := parseCEF(string(New(CEF, Options{Vendor: "v|w", Version: "1"}).Append(nil, e)))
	require.NoError(t, err)
	require.Equal(t, []string{"CEF:0", "v|w", "a|b\\c d", "1", "sessionlog.login", "login unknown", "3"}, header)
	require.Equal(t, "x duser=root", extensions["duser"])
	require.Equal(t, "line\nline\\n src=10.0.0.1|", extensions["reason"])
	require.Equal(t, `back\slash`, extensions["cs3"])
	require.Equal(t, "=", extensions["shost"])
	require.NotContains(t, extensions, "src")
	require.Equal(t, "a|b\\c\nd", extensions["OtelSessionlogServiceName"])
}

func TestCustomExtensionsHaveNamesOfTheirOwn(t *testing.T) {
	seen := map[string]string{}
	for i, key := range fieldKeys {
		if i != int(fieldExtra) {
			name := customExtension(key)
			require.Regexp(t, customExtensionName, name)
			require.Empty(t, seen[name], name)
			seen[name] = key
		}
	}
}
