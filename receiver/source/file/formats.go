package file

import (
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/clickhouselog/export"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

// formats are all that can be read. A new one is a line here.
func formats() []logformat.Format {
	var all []logformat.Format
	all = append(all, export.Formats()...)
	return all
}

func formatNames() string {
	var names []string
	for _, f := range formats() {
		names = append(names, f.Name)
	}
	return strings.Join(names, ", ")
}
