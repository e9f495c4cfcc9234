package backendtest

import (
	"regexp"
	"strings"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/migrations"
)

// ColumnsAt are those columns that a program wrote which had only these migrations.
func ColumnsAt[C any](files []migrations.File, columns []C, name func(C) string) (older []C) {
	var sql strings.Builder
	for _, f := range files {
		sql.WriteString(f.SQL)
	}
	for _, c := range columns {
		if regexp.MustCompile(`\b` + name(c) + `\b`).MatchString(sql.String()) {
			older = append(older, c)
		}
	}
	return older
}
