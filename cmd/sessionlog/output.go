package main

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/otel-sessionlog/sessionlog/query"
)

// The values of --output.
const (
	outputTable  = "table"
	outputJSON   = "json"
	outputCSV    = "csv"
	outputNDJSON = "ndjson"
)

var outputNames = []string{outputTable, outputJSON, outputCSV, outputNDJSON}

// answerPrinter writes answers.
type answerPrinter struct {
	commandEnvironment
	format string
	zone   *time.Location
}

func (p *answerPrinter) printAnswer(a *viewAnswer) error {
	out := bufio.NewWriter(p.out)
	switch p.format {
	case outputJSON:
		writeJSONAnswer(out, a)
	case outputNDJSON:
		writeLines(out, a.listings)
	case outputCSV:
		if err := p.writeCSV(out, a.listings); err != nil {
			return err
		}
	default:
		p.writeTables(out, a)
	}
	if err := out.Flush(); err != nil {
		return err
	}
	for _, note := range a.notes {
		fmt.Fprintln(p.errors, visibleLines(note))
	}
	return nil
}

func writeJSONAnswer(out *bufio.Writer, a *viewAnswer) {
	object := []byte{'{'}
	for _, f := range a.facts {
		object = append(appendMember(object, f.name, f.value), ',')
	}
	for i := range a.listings {
		l := &a.listings[i]
		if l.peopleOnly {
			continue
		}
		rows := make([]json.RawMessage, 0, l.count)
		for row := range l.count {
			rows = append(rows, l.rowObject(row))
		}
		object = append(appendMember(object, l.name, rows), ',')
	}
	coverage := struct {
		Complete bool `json:"complete"`
		From     any  `json:"from"`
		Until    any  `json:"until"`
	}{a.coverage.Complete, timeOrNil(a.coverage.From), timeOrNil(a.coverage.Until)}
	object = append(appendMember(object, "coverage", coverage), ',')
	object = appendMember(object, "sql", append([]string{}, a.coverage.SQL...))
	_, _ = out.Write(append(object, '}', '\n')) // Flush reports the error
}

func writeLines(out *bufio.Writer, listings []rowListing) {
	if len(listings) == 0 {
		return
	}
	// Lines are of one kind: the first list alone.
	for row := range listings[0].count {
		_, _ = out.Write(listings[0].rowObject(row)) // Flush reports the error
		_ = out.WriteByte('\n')
	}
}

func (p *answerPrinter) writeCSV(out io.Writer, listings []rowListing) error {
	if len(listings) == 0 {
		return nil
	}
	// A file of CSV has one header: the first list alone.
	l := &listings[0]
	w := csv.NewWriter(out)
	record := make([]string, len(l.all))
	for i, column := range l.all {
		record[i] = column
		if isTimeColumn(column) {
			record[i] += " (" + p.zone.String() + ")"
		}
	}
	if err := w.Write(record); err != nil {
		return err
	}
	for row := range l.count {
		for i, column := range l.all {
			record[i] = query.SpreadsheetText(p.cellText(l.value(row, column), time.RFC3339Nano))
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
func (p *answerPrinter) cellText(value any, layout string) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return v
	case int64:
		return strconv.FormatInt(v, 10)
	case time.Time:
		return v.In(p.zone).Format(layout)
	}
	return fmt.Sprint(value)
}

const tableTime = "2006-01-02 15:04:05.000"

func (p *answerPrinter) writeTables(out *bufio.Writer, a *viewAnswer) {
	separate := false
	for _, f := range a.facts {
		if f.title != "" && f.value != nil {
			fmt.Fprintf(out, "%-16s %s\n", f.title, p.shownText(f.value))
			separate = true
		}
	}
	for i := range a.listings {
		l := &a.listings[i]
		if l.count == 0 || l.machinesOnly {
			continue
		}
		if separate {
			fmt.Fprintln(out)
		}
		separate = true
		if l.title != "" {
			fmt.Fprintln(out, p.emphasizeTitle(l.title))
		}
		p.writeTable(out, l)
	}
}

// shownText is what people see of a value, "" where it is absent.
func (p *answerPrinter) shownText(value any) string {
	if v, isText := value.(string); isText {
		return visibleText(v)
	}
	return p.cellText(value, tableTime)
}

// widestCell is how wide a column becomes on a terminal. Times and ids are of no use when they are cut.
func (p *answerPrinter) widestCell(column string) int {
	switch {
	case isSentence(column):
		return max(36, p.width-leftOfSentence)
	case isTimeColumn(column), strings.HasSuffix(column, "_id"), strings.HasSuffix(column, "_key"):
		return 36
	}
	return max(12, min(36, p.width/4))
}

func (p *answerPrinter) writeTable(out io.Writer, l *rowListing) {
	columns := l.columns
	if l.dropEmpty {
		columns = l.filledColumns()
	}
	columns, left := p.fittingColumns(l, columns)
	t := p.newTable(columns)
	for row := range l.count {
		cells := make(table.Row, len(columns))
		for i, column := range columns {
			cells[i] = p.colorCell(p.shownText(l.value(row, column)), column)
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

func (p *answerPrinter) newTable(columns []string) table.Writer {
	t := table.NewWriter()
	style := table.StyleDefault
	style.Name = "plain"
	style.Box = table.BoxStyle{PaddingRight: strings.Repeat(" ", columnGap), UnfinishedRow: "…"}
	style.Options = table.OptionsNoBordersAndSeparators
	style.Format.Header = text.FormatDefault
	if p.width > 0 {
		style.Size.WidthMax = p.width
	}
	t.SetStyle(style)
	header := make(table.Row, len(columns))
	configs := make([]table.ColumnConfig, len(columns))
	for i, column := range columns {
		header[i] = p.emphasizeTitle(p.headerOf(column))
		configs[i].Number, configs[i].WidthMax, configs[i].WidthMaxEnforcer = i+1, widestPiped, cutText
		if p.width > 0 {
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

func (p *answerPrinter) headerOf(column string) string {
	name := strings.ToUpper(strings.ReplaceAll(column, "_", " "))
	if isTimeColumn(column) {
		name += " (" + p.zone.String() + ")"
	}
	return name
}

func (p *answerPrinter) fittingColumns(l *rowListing, columns []string) (fitting, left []string) {
	if p.width == 0 {
		return columns, nil
	}
	used := 0
	for _, column := range columns {
		width := text.StringWidth(p.headerOf(column))
		for row := range l.count {
			width = max(width, min(p.widestCell(column), text.StringWidth(p.shownText(l.value(row, column)))))
		}
		if len(fitting) > 0 && used+width > p.width {
			left = append(left, column)
			continue
		}
		fitting = append(fitting, column)
		used += width + columnGap
	}
	return fitting, left
}

// leftOfSentence is about what stands before a sentence.
const leftOfSentence = 28

// columnGap is between two columns.
const columnGap = 2

// widestPiped is how wide a column becomes that is no terminal's: each row of a table is as wide as its longest name, which an attacker types.
const widestPiped = 400

// isSentence tells the columns that are wrapped and not cut.
func isSentence(column string) bool {
	return column == "finding" || column == "reason" || column == "value"
}

func cutText(cell string, width int) string { return text.Snip(cell, width, "…") }

func (l *rowListing) filledColumns() (columns []string) {
	for _, column := range l.columns {
		for row := range l.count {
			if l.value(row, column) != nil {
				columns = append(columns, column)
				break
			}
		}
	}
	return columns
}

func (p *answerPrinter) hasColors() bool {
	return p.width > 0 && p.variable("NO_COLOR") == "" && p.variable("TERM") != "dumb"
}

func (p *answerPrinter) emphasizeTitle(title string) string { return p.inColors(title, text.Bold) }

// colorCell colours an outcome; the word stands there all the same.
func (p *answerPrinter) colorCell(cell, column string) string {
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

func (p *answerPrinter) inColors(shown string, color text.Color) string {
	if !p.hasColors() {
		return shown
	}
	return color.EscapeSeq() + shown + text.Reset.EscapeSeq()
}
