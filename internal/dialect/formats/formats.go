// Package formats lists every text that can be read. Sources of files, of SQL and the encoding extension all read the same ones.
package formats

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/clickhouselog/export"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/containerlog"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/mariadblog"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/mongodblog"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/postgreslog"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/redshiftlog"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/sshlog"
)

// PostgreSQLStderr is the format of which no content is typical: log_line_prefix says what its lines begin with.
const PostgreSQLStderr = "stderr"

// CheckLinePrefix is the check of the key `log_line_prefix`, which every source of lines has: its error names the key, what PostgreSQL's
// setting of that name lacks, and the remedy.
func CheckLinePrefix(prefix string) error {
	if err := postgreslog.CheckLinePrefix(prefix); err != nil {
		return fmt.Errorf("log_line_prefix: %q %w", prefix, err)
	}
	return nil
}

// Auto is the value of the key `format` that looks at the content.
const Auto = "auto"

// CheckName is the check of the key `format`.
func CheckName(name string) error {
	if _, known := logformat.FindFormat(All(), name); !known && name != Auto {
		return fmt.Errorf("format: %q is not known: write auto or one of %s", name, Names())
	}
	return nil
}

// LoadZone reads the key `timezone`, an IANA name; nil is that of no name. `Local` is refused: it would make the same text mean other times on
// another machine.
func LoadZone(name string) (*time.Location, error) {
	if name == "" {
		return nil, nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil || strings.EqualFold(name, "local") {
		return nil, fmt.Errorf("timezone: %q is not an IANA name: write the server's zone, for example UTC or Asia/Kolkata", name)
	}
	return zone, nil
}

// All formats, in the order in which a content is compared with them: first those that cannot be taken for another; any
// object could be a row of JSONEachRow. A new one is a line here.
func All() []logformat.Format {
	printed := slices.Concat(postgreslog.Formats(), mariadblog.Formats(), mongodblog.Formats(), sshlog.Formats())
	for i := range printed {
		printed[i] = containerlog.ReadOutputOf(printed[i])
	}
	return slices.Concat(redshiftlog.Formats(), printed, export.Formats())
}

// Names are all names, for people.
func Names() string {
	var names []string
	for _, f := range All() {
		names = append(names, f.Name)
	}
	return strings.Join(names, ", ")
}
