package sessionlogexplorer

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
)

type exportWriter interface {
	contentType() string
	appendHead() []byte
	appendEvents([]session.Event) ([]byte, error)
	// appendCut says that there are more events than an export may have.
	appendCut(message string) ([]byte, error)
}

func (x *explorerServer) exportCSV(w http.ResponseWriter, c *apiCall) error {
	return x.exportEvents(w, c, "csv", newCSVWriter(c.zone))
}

func (x *explorerServer) exportNDJSON(w http.ResponseWriter, c *apiCall) error {
	return x.exportEvents(w, c, "ndjson", ndjsonWriter{})
}

// exportEvents writes page after page. Between two it holds nothing of the backend, however slowly the client reads.
func (x *explorerServer) exportEvents(w http.ResponseWriter, c *apiCall, ending string, format exportWriter) error {
	limit, err := c.numberParameter("limit", x.config.MaxExportRows, x.config.MaxExportRows)
	if err != nil {
		return err
	}
	out, release, err := x.startStream(w)
	if err != nil {
		return err
	}
	defer release()
	pages := eventPages{explorerServer: x, filter: c.filter, size: firstExportPage}
	events, err := pages.nextPage(c.Context(), min(limit, pages.size))
	if err != nil {
		return err
	}
	setDownload(w, c, ending, format.contentType())
	if c.Method == http.MethodHead {
		return nil
	}
	_, err = out.Write(format.appendHead())
	for err == nil && len(events) > 0 {
		limit -= len(events)
		if err = pages.writePages(out, format, events); err != nil || limit == 0 {
			break
		}
		events, err = pages.nextPage(c.Context(), min(limit, pages.size))
	}
	if err == nil && limit == 0 && c.values.Get("limit") == "" {
		err = pages.noteCutExport(c.Context(), out, format, x.config.MaxExportRows)
	}
	if err != nil {
		panic(http.ErrAbortHandler) // a file that ends too early must not look whole
	}
	return nil
}

func (p *eventPages) writePages(out *answerStream, format exportWriter, events []session.Event) error {
	text, err := format.appendEvents(events)
	if err != nil {
		return err
	}
	p.adaptPageSize(len(text))
	_, err = out.Write(text)
	return err
}

func setDownload(w http.ResponseWriter, c *apiCall, ending, contentType string) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="logins-%s.%s"`, c.now.UTC().Format("20060102T150405Z"), ending))
	h.Set("Cache-Control", "no-store")
}

type eventPages struct {
	*explorerServer
	filter query.Filter
	after  *query.Position
	ended  bool
	size   int // of the next page
}

const (
	firstExportPage = 64
	largePageBytes  = 8 << 20
)

func (p *eventPages) adaptPageSize(written int) {
	switch {
	case written > largePageBytes: // a page is in memory as a whole
		p.size = max(1, p.size/2)
	case written < largePageBytes/4:
		p.size = min(2*p.size, maxEventsPerPage)
	}
}

// nextPage gives at least one event, unless there are no more.
func (p *eventPages) nextPage(ctx context.Context, limit int) (events []session.Event, err error) {
	for len(events) == 0 && !p.ended {
		var covered query.Coverage
		err = p.askStore(ctx, func(ctx context.Context, s query.Store, budget *timeBudget) error {
			events, covered, err = query.Events(ctx, s, p.filter, p.after, limit, budget.left())
			return err
		})
		if err != nil {
			return nil, err
		}
		switch {
		case len(events) == limit:
			position := query.PositionOf(&events[limit-1])
			p.after = &position
		case covered.Complete:
			p.ended = true
		default: // no time for more: on where it came to
			p.filter.Until, p.after = covered.From, nil
		}
	}
	return events, nil
}

func (p *eventPages) noteCutExport(ctx context.Context, out *answerStream, format exportWriter, most int) error {
	more, err := p.nextPage(ctx, 1)
	if err != nil || len(more) == 0 {
		return err
	}
	text, err := format.appendCut(fmt.Sprintf("cut after %d events, which is max_export_rows: older ones are missing; ask about a shorter range", most))
	if err != nil {
		return err
	}
	_, err = out.Write(text)
	return err
}

type ndjsonWriter struct{}

func (ndjsonWriter) contentType() string { return "application/x-ndjson; charset=utf-8" }

func (ndjsonWriter) appendHead() []byte { return nil }

func (ndjsonWriter) appendEvents(events []session.Event) (text []byte, _ error) {
	for i := range events {
		text = append(query.AppendEvent(text, &events[i]), '\n')
	}
	return text, nil
}

func (ndjsonWriter) appendCut(message string) ([]byte, error) {
	return appendErrorText(nil, message), nil
}

// appendErrorText appends a line that is no event.
func appendErrorText(text []byte, message string) []byte {
	line, err := json.Marshal(errorAnswer{query.VisibleText(message), reasonBackend})
	if err != nil {
		return text
	}
	return append(append(text, line...), '\n')
}

func appendErrorLine(text []byte, x *explorerServer, err error) []byte {
	_, _, message := x.explainError(err)
	return appendErrorText(text, message)
}

// csvWriter writes a column for each field, the time and the record's id first.
type csvWriter struct {
	zone   *time.Location
	fields []*session.Field
}

func newCSVWriter(zone *time.Location) *csvWriter {
	c := &csvWriter{zone: zone}
	for _, first := range []bool{true, false} {
		for i := range session.Fields {
			if f := &session.Fields[i]; first == (f.Name == "Time" || f.Name == "RecordID") {
				c.fields = append(c.fields, f)
			}
		}
	}
	return c
}

func (c *csvWriter) contentType() string { return "text/csv; charset=utf-8" }

// appendHead names the zone of each time.
func (c *csvWriter) appendHead() []byte {
	names := make([]string, len(c.fields))
	for i, f := range c.fields {
		names[i] = f.Column
		if isTime(f) {
			names[i] += " (" + c.zone.String() + ")"
		}
	}
	return []byte(strings.Join(names, ",") + "\n")
}

func isTime(f *session.Field) bool { return f.Name == "Time" || f.Name == "Observed" }

func (c *csvWriter) appendEvents(events []session.Event) ([]byte, error) {
	rows := make([][]string, len(events))
	for i := range events {
		rows[i] = make([]string, len(c.fields))
		for j, f := range c.fields {
			rows[i][j] = c.cellText(f, &events[i])
		}
	}
	return writeRows(rows...)
}

func writeRows(rows ...[]string) ([]byte, error) {
	var text bytes.Buffer
	err := csv.NewWriter(&text).WriteAll(rows)
	return text.Bytes(), err
}

func (c *csvWriter) cellText(f *session.Field, e *session.Event) string {
	if isTime(f) {
		if ns, ok := f.In(e).(*int64); ok && (*ns != 0 || f.Name == "Time") {
			return time.Unix(0, *ns).In(c.zone).Format(time.RFC3339Nano)
		}
		return ""
	}
	text, _ := query.EventText(f, e)
	return query.SpreadsheetText(text)
}

func (c *csvWriter) appendCut(message string) ([]byte, error) {
	return writeRows(append([]string{message}, slices.Repeat([]string{""}, len(c.fields)-1)...))
}

func (x *explorerServer) exportSQL(w http.ResponseWriter, c *apiCall) error {
	limit, err := c.numberParameter("limit", x.config.MaxExportRows, x.config.MaxExportRows)
	if err != nil {
		return err
	}
	var covered query.Coverage
	err = x.askStore(c.Context(), func(ctx context.Context, s query.Store, budget *timeBudget) error {
		_, covered, err = query.Events(ctx, s, c.filter, nil, min(limit, maxEventsPerPage), budget.left())
		return err
	})
	if err != nil {
		return err
	}
	setDownload(w, c, "sql", "application/sql; charset=utf-8")
	var text strings.Builder
	fmt.Fprintf(&text, "-- The events of %s/events?%s\n-- as %s was asked for them, the newest time first.\n", apiRoot, c.filter.Values().Encode(), x.backend.Key)
	for _, sql := range covered.SQL {
		text.WriteString(query.VisibleText(sql) + ";\n")
	}
	_, _ = w.Write([]byte(text.String()))
	return nil
}
