package export

import (
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

// Formats are the exports that can be read, named as ClickHouse names them. The line of types is recognised wherever it
// is, so the formats with and without it are one; and so are those whose values are all strings.
func Formats() []logformat.Format {
	return []logformat.Format{
		newExportFormat("JSONEachRow", detectJSONObject, splitJSONObject, logformat.FirstLineLength,
			"JSONLines", "NDJSON", "JSONStringsEachRow"),
		newExportFormat("JSONCompactEachRowWithNames", detectJSONArray, splitJSONArray, logformat.FirstLineLength,
			"JSONCompactEachRowWithNamesAndTypes", "JSONCompactStringsEachRowWithNames", "JSONCompactStringsEachRowWithNamesAndTypes"),
		newExportFormat("CSVWithNames", detectCSVHeader, splitCSVRecord, frameCSVRecord,
			"CSVWithNamesAndTypes"),
		newExportFormat("TSVWithNames", detectTSVHeader, splitTSVLine, logformat.FirstLineLength,
			"TSVWithNamesAndTypes", "TabSeparatedWithNames", "TabSeparatedWithNamesAndTypes"),
	}
}

func newExportFormat(name string, detect func([]byte, bool) logformat.Verdict, split func(*exportParser, string) (bool, error),
	frame func([]byte) int, aliases ...string,
) logformat.Format {
	return logformat.Format{
		Name: name, Aliases: aliases, Detect: detect,
		ClearTimes: "export with date_time_output_format = 'iso'",
		New: func(o logformat.Options) logformat.Parser {
			p := newExportParser(o, split, frame)
			p.startsWithNames = strings.Contains(name, "WithNames")
			return p
		},
	}
}
