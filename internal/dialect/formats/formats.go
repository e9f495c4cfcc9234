// Package formats lists every text that can be read. The doors (files, SQL, an encoding) all read the same ones.
package formats

import (
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/clickhouselog/export"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/postgreslog"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/redshiftlog"
)

// PostgreSQLStderr is the format of which no content is typical: log_line_prefix says what its lines begin with.
const PostgreSQLStderr = "stderr"

// All formats, in the order in which a content is compared with them. A new one is a line here.
func All() []logformat.Format {
	var all []logformat.Format
	all = append(all, export.Formats()...)
	all = append(all, redshiftlog.Formats()...)
	all = append(all, postgreslog.Formats()...)
	return all
}

// Names are all names, for people.
func Names() string {
	var names []string
	for _, f := range All() {
		names = append(names, f.Name)
	}
	return strings.Join(names, ", ")
}
