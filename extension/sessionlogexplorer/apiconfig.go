package sessionlogexplorer

import (
	"slices"
	"strings"

	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
)

type configAnswer struct {
	TraceLink     string         `json:"trace_link"`
	MaxExportRows int            `json:"max_export_rows"`
	Columns       []columnAnswer `json:"columns"`
}

type columnAnswer struct {
	Name         string `json:"name"`
	Title        string `json:"title"`
	Facet        bool   `json:"facet"`
	Kind         string `json:"kind"` // text, number, id, list, map or time
	IsSearchable bool   `json:"searchable"`
}

func (x *explorerServer) answerConfig(_ *apiCall) (any, error) {
	answer := configAnswer{TraceLink: x.config.TraceLink, MaxExportRows: x.config.MaxExportRows}
	for i := range session.Fields {
		answer.Columns = append(answer.Columns, newColumnAnswer(&session.Fields[i]))
	}
	return answer, nil
}

func newColumnAnswer(f *session.Field) columnAnswer {
	_, err := query.FieldOf(f.Column)
	return columnAnswer{Name: f.Column, Title: titleOf(f.Column), Facet: slices.Contains(query.FacetColumns, f.Column), Kind: kindOfColumn(f), IsSearchable: err == nil}
}

func kindOfColumn(f *session.Field) string {
	if f.Name == "Time" || f.Name == "Observed" {
		return "time"
	}
	switch f.In(&session.Event{}).(type) {
	case *int32, *int64, *uint32:
		return "number"
	case *session.ID, *[16]byte, *[8]byte:
		return "id"
	case *[]string:
		return "list"
	case *[]session.Setting, *[]session.Attr:
		return "map"
	}
	return "text"
}

// titleWords are those of column names that are not written as words.
var titleWords = map[string]string{"id": "ID", "tls": "TLS", "mfa": "MFA", "os": "OS", "pid": "PID", "uid": "UID"}

// shortTitles leave out what the column's values say themselves.
var shortTitles = map[string]string{"observed": "Read at", "user_name": "User", "database_name": "Database", "client_address": "Address", "client_name": "Client"}

func titleOf(column string) string {
	if title, short := shortTitles[column]; short {
		return title
	}
	words := strings.Split(column, "_")
	for i, word := range words {
		if known, ok := titleWords[word]; ok {
			words[i] = known
		} else if i == 0 {
			words[i] = strings.ToUpper(word[:1]) + word[1:]
		}
	}
	return strings.Join(words, " ")
}
