package dialect

import (
	"slices"
	"strings"
)

// definition rewrites CREATE TABLE and ALTER TABLE ... ADD, or refuses them.
func (s *statement) definition() *Refusal {
	switch {
	case s.is(0, "create"):
		i := 1
		for oneOf(s.lower(i), "local", "temp", "temporary") {
			i++
		}
		if !s.is(i, "table") {
			return nil
		}
		return s.createTable(i + 1)
	case s.words(0, "alter", "table"):
		return s.alterTable()
	}
	return nil
}

func (s *statement) createTable(i int) *Refusal {
	if s.words(i, "if", "not", "exists") {
		i += 3
	}
	name, i := s.name(i)
	if !s.is(i, "(") {
		return s.tableAttributes(i) // CREATE TABLE ... AS
	}
	end := s.close(i)
	var kept []string
	for _, part := range s.parts(i+1, end) {
		text, refusal := s.element(name, part[0], part[1])
		if refusal != nil {
			return refusal
		}
		if text != "" {
			kept = append(kept, text)
		}
	}
	s.replace(i+1, end, strings.Join(kept, ", "))
	return s.tableAttributes(end + 1)
}

// name is a table's, perhaps with its schema, and the place behind it.
func (s *statement) name(i int) (string, int) {
	name := s.token(i).text
	for i++; s.is(i, "."); i += 2 {
		name = s.token(i + 1).text
	}
	return strings.Trim(name, `"`), i
}

// parts cuts a list at its commas: first place and place behind each part.
func (s *statement) parts(i, end int) [][2]int {
	var parts [][2]int
	start := i
	for ; i < end; i++ {
		switch {
		case s.is(i, "("):
			i = s.close(i)
		case s.is(i, ","):
			parts = append(parts, [2]int{start, i})
			start = i + 1
		}
	}
	return append(parts, [2]int{start, end})
}

// element is a column, or a constraint of the whole table. Primary, unique and foreign keys are taken and not enforced, as Redshift does.
func (s *statement) element(table string, i, end int) (string, *Refusal) {
	start := i
	if s.is(i, "constraint") {
		i += 2
	}
	switch s.lower(i) {
	case "primary", "unique", "foreign":
		return "", nil
	case "check", "exclude":
		return "", unsupported("ALTER/CREATE TABLE %s constraint is not supported", strings.ToUpper(s.lower(i)))
	case "like":
		return s.part(start, end) + " INCLUDING CONSTRAINTS", nil // ours for the length in bytes
	}
	return s.column(table, i, end)
}

// part is the text from i up to and without end.
func (s *statement) part(i, end int) string {
	if end = min(end, s.len()); i >= end {
		return ""
	}
	var b strings.Builder
	for _, t := range s.tokens[s.at[i] : s.at[end-1]+1] {
		b.WriteString(t.text)
	}
	return b.String()
}

// tableAttributes takes away how Redshift is to lay the table out, and refuses what it has not.
func (s *statement) tableAttributes(i int) *Refusal {
	for i < s.len() && !s.is(i, "as") {
		start := i
		switch w := s.lower(i); {
		case oneOf(w, "compound", "interleaved") && s.is(i+1, "sortkey"):
			i++
			fallthrough
		case oneOf(w, "distkey", "sortkey") && s.is(i+1, "("):
			i = s.close(i+1) + 1
		case oneOf(w, "backup", "diststyle", "encode", "sortkey"):
			i += 2
		case oneOf(w, "inherits", "partition", "tablespace", "with", "using"):
			return syntaxError(s.token(i).text)
		default:
			i++
			continue
		}
		s.replace(start, i, "")
	}
	return nil
}

func (s *statement) alterTable() *Refusal {
	i := 2
	if s.words(i, "if", "exists") {
		return syntaxError("exists")
	}
	name, i := s.name(i)
	if refusal := s.alterColumn(i); refusal != nil || !s.is(i, "add") {
		return refusal
	}
	if len(s.parts(i, s.len())) > 1 {
		return unsupported("ALTER TABLE with multiple subcommands is not supported")
	}
	i++
	if s.is(i, "column") {
		i++
	}
	if s.words(i, "if", "not", "exists") {
		return syntaxError(s.token(i + 1).text)
	}
	text, refusal := s.element(name, i, s.len())
	if refusal != nil {
		return refusal
	}
	if text == "" { // a key, which is informational
		s.replace(0, s.len(), "SELECT 1 WHERE false")
		return nil
	}
	s.replace(i, s.len(), text)
	return nil
}

// alterColumn refuses what changes the layout alone: nothing here needs it.
func (s *statement) alterColumn(i int) *Refusal {
	if s.is(i, "alter") && slices.Contains([]string{"distkey", "sortkey", "diststyle", "encode", "compound"}, s.lower(i+1)) || s.is(i, "append") {
		return unsupported("the stand-in for Redshift does not model ALTER TABLE ... %s", strings.ToUpper(s.lower(i+1)))
	}
	return nil
}
