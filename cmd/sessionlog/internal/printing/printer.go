// Package printing writes the answers of the companion command: as tables for people, in which no name of a record can move a cursor or hide, and as JSON,
// CSV and lines of JSON for programs.
package printing

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
)

// The formats of an answer.
const (
	Table  = "table"
	JSON   = "json"
	CSV    = "csv"
	NDJSON = "ndjson"
)

// Formats are all of them.
var Formats = []string{Table, JSON, CSV, NDJSON}

// Printer writes answers.
type Printer struct {
	Out, Errors io.Writer                // Errors gets the notes
	Width       int                      // of the terminal that Out is, in columns; 0 where it is not one
	Variable    func(name string) string // of the environment: NO_COLOR, TERM
	Format      string                   // one of [Formats]
	Zone        *time.Location           // of times that people see
}

// PrintAnswer writes an answer and its notes. Its error is that of a stream.
func (p *Printer) PrintAnswer(a *Answer) error {
	out := bufio.NewWriter(p.Out)
	switch p.Format {
	case JSON:
		writeJSONAnswer(out, a)
	case NDJSON:
		writeNDJSON(out, a.Listings)
	case CSV:
		if err := p.writeCSV(out, a.Listings); err != nil {
			return err
		}
	default:
		p.writeTables(out, a)
	}
	if err := out.Flush(); err != nil {
		return err
	}
	for _, note := range a.Notes {
		fmt.Fprintln(p.Errors, VisibleLines(note))
	}
	return nil
}

func writeJSONAnswer(out *bufio.Writer, a *Answer) {
	object := []byte{'{'}
	for _, f := range a.Facts {
		object = append(appendMember(object, f.Name, f.Value), ',')
	}
	for i := range a.Listings {
		l := &a.Listings[i]
		if l.PeopleOnly {
			continue
		}
		rows := make([]json.RawMessage, 0, l.Count)
		for row := range l.Count {
			rows = append(rows, l.rowObject(row))
		}
		object = append(appendMember(object, l.Name, rows), ',')
	}
	coverage := struct {
		Complete bool `json:"complete"`
		From     any  `json:"from"`
		Until    any  `json:"until"`
	}{a.Coverage.Complete, TimeOrNil(a.Coverage.From), TimeOrNil(a.Coverage.Until)}
	object = append(appendMember(object, "coverage", coverage), ',')
	object = appendMember(object, "sql", append([]string{}, a.Coverage.SQL...))
	_, _ = out.Write(append(object, '}', '\n')) // Flush reports the error
}

func writeNDJSON(out *bufio.Writer, listings []Listing) {
	if len(listings) == 0 {
		return
	}
	// Lines are of one kind: the first list alone.
	for row := range listings[0].Count {
		_, _ = out.Write(listings[0].rowObject(row)) // Flush reports the error
		_ = out.WriteByte('\n')
	}
}

func (p *Printer) writeCSV(out io.Writer, listings []Listing) error {
	if len(listings) == 0 {
		return nil
	}
	// A file of CSV has one header: the first list alone.
	l := &listings[0]
	w := csv.NewWriter(out)
	record := make([]string, len(l.AllColumns))
	for i, column := range l.AllColumns {
		record[i] = column
		if isTimeColumn(column) {
			record[i] += " (" + p.Zone.String() + ")"
		}
	}
	if err := w.Write(record); err != nil {
		return err
	}
	for row := range l.Count {
		for i, column := range l.AllColumns {
			record[i] = query.SpreadsheetText(p.cellText(l.Value(row, column), time.RFC3339Nano))
		}
		if err := w.Write(record); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

func isTimeColumn(column string) bool {
	switch column {
	case "time", "observed", "first", "last", "first_success":
		return true
	}
	return false
}

// cellText is "" for what is absent.
func (p *Printer) cellText(value any, layout string) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return v
	case int64:
		return strconv.FormatInt(v, 10)
	case time.Time:
		return v.In(p.Zone).Format(layout)
	}
	return fmt.Sprint(value)
}

const tableTime = "2006-01-02 15:04:05.000"

func (p *Printer) writeTables(out *bufio.Writer, a *Answer) {
	separate := false
	for _, f := range a.Facts {
		if f.Title != "" && f.Value != nil {
			fmt.Fprintf(out, "%-16s %s\n", f.Title, p.shownText(f.Value))
			separate = true
		}
	}
	for i := range a.Listings {
		l := &a.Listings[i]
		if l.Count == 0 || l.MachinesOnly {
			continue
		}
		if separate {
			fmt.Fprintln(out)
		}
		separate = true
		if l.Title != "" {
			fmt.Fprintln(out, p.emphasizeTitle(l.Title))
		}
		p.writeTable(out, l)
	}
}

// shownText is what people see of a value, "" where it is absent.
func (p *Printer) shownText(value any) string {
	if v, isText := value.(string); isText {
		return VisibleText(v)
	}
	return p.cellText(value, tableTime)
}

// widestCell is how wide a column becomes on a terminal. Times and ids are of no use when they are cut.
func (p *Printer) widestCell(column string) int {
	switch {
	case isSentence(column):
		return max(36, p.Width-leftOfSentence)
	case isTimeColumn(column), strings.HasSuffix(column, "_id"), strings.HasSuffix(column, "_key"):
		return 36
	}
	return max(12, min(36, p.Width/4))
}

func (p *Printer) writeTable(out io.Writer, l *Listing) {
	columns := l.Columns
	if l.DropEmpty {
		columns = l.filledColumns()
	}
	columns, left := p.fittingColumns(l, columns)
	t := p.newTable(columns)
	for row := range l.Count {
		cells := make(table.Row, len(columns))
		for i, column := range columns {
			cells[i] = p.colorCell(p.shownText(l.Value(row, column)), column)
		}
		t.AppendRow(cells)
	}
	for line := range strings.Lines(t.Render()) {
		_, _ = io.WriteString(out, strings.TrimRight(line, " \n")+"\n") // Flush reports the error
	}
	if len(left) > 0 {
		fmt.Fprintf(out, "(no room for %s)\n", strings.Join(left, ", "))
	}
}

func (p *Printer) newTable(columns []string) table.Writer {
	t := table.NewWriter()
	style := table.StyleDefault
	style.Name = "plain"
	style.Box = table.BoxStyle{PaddingRight: strings.Repeat(" ", columnGap), UnfinishedRow: "…"}
	style.Options = table.OptionsNoBordersAndSeparators
	style.Format.Header = text.FormatDefault
	if p.Width > 0 {
		style.Size.WidthMax = p.Width
	}
	t.SetStyle(style)
	header := make(table.Row, len(columns))
	configs := make([]table.ColumnConfig, len(columns))
	for i, column := range columns {
		header[i] = p.emphasizeTitle(p.headerOf(column))
		configs[i].Number, configs[i].WidthMax, configs[i].WidthMaxEnforcer = i+1, widestPiped, cutText
		if p.Width > 0 {
			configs[i].WidthMax = p.widestCell(column)
			if isSentence(column) {
				configs[i].WidthMaxEnforcer = text.WrapSoft
			}
		}
	}
	t.SetColumnConfigs(configs)
	t.AppendHeader(header)
	return t
}

func (p *Printer) headerOf(column string) string {
	name := strings.ToUpper(strings.ReplaceAll(column, "_", " "))
	if isTimeColumn(column) {
		name += " (" + p.Zone.String() + ")"
	}
	return name
}

func (p *Printer) fittingColumns(l *Listing, columns []string) (fitting, left []string) {
	if p.Width == 0 {
		return columns, nil
	}
	used := 0
	for _, column := range columns {
		width := text.StringWidth(p.headerOf(column))
		for row := range l.Count {
			width = max(width, min(p.widestCell(column), text.StringWidth(p.shownText(l.Value(row, column)))))
		}
		if len(fitting) > 0 && used+width > p.Width {
			left = append(left, column)
			continue
		}
		fitting = append(fitting, column)
		used += width + columnGap
	}
	return fitting, left
}

// leftOfSentence is about what precedes a sentence.
const leftOfSentence = 28

// columnGap is between two columns.
const columnGap = 2

// widestPiped is how wide a column becomes that is no terminal's: each row of a table is as wide as its longest name, which an attacker types.
const widestPiped = 400

// isSentence reports whether a column is wrapped, and not cut.
func isSentence(column string) bool {
	return column == "finding" || column == "reason" || column == "value"
}

func cutText(cell string, width int) string { return text.Snip(cell, width, "…") }

func (l *Listing) filledColumns() (columns []string) {
	for _, column := range l.Columns {
		for row := range l.Count {
			if l.Value(row, column) != nil {
				columns = append(columns, column)
				break
			}
		}
	}
	return columns
}

func (p *Printer) hasColors() bool {
	return p.Width > 0 && p.Variable("NO_COLOR") == "" && p.Variable("TERM") != "dumb"
}

func (p *Printer) emphasizeTitle(title string) string { return p.inColors(title, text.Bold) }

// colorCell colours an outcome; the word is there all the same.
func (p *Printer) colorCell(cell, column string) string {
	switch {
	case column != "outcome":
		return cell
	case cell == "failure":
		return p.inColors(cell, text.FgRed)
	case cell == "success":
		return p.inColors(cell, text.FgGreen)
	}
	return cell
}

func (p *Printer) inColors(shown string, color text.Color) string {
	if !p.hasColors() {
		return shown
	}
	return color.EscapeSeq() + shown + text.Reset.EscapeSeq()
}

// PrintArrived writes events as they come: a line each, of people or of JSON.
func (p *Printer) PrintArrived(events []session.Event) error {
	out := bufio.NewWriter(p.Out)
	for i := range events {
		e := &events[i]
		if p.Format == NDJSON {
			_, _ = out.Write(append(query.AppendEvent(nil, e), '\n')) // Flush reports the error
			continue
		}
		fmt.Fprintf(out, "%s  %-14s %s  %s", p.cellText(time.Unix(0, e.Time), tableTime), e.Kind, p.colorCell(fmt.Sprintf("%-7s", e.Outcome), "outcome"), VisibleText(e.User))
		for _, column := range []string{"client_address", "client_name", "database_name", "instance", "error_type"} {
			if value := EventValue(e, fieldsByColumn[column]); value != nil {
				fmt.Fprintf(out, "  %s", p.shownText(value))
			}
		}
		fmt.Fprintln(out)
	}
	return errors.Join(out.Flush())
}
