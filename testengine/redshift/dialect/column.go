package dialect

import (
	"fmt"
	"strconv"
	"strings"
)

const (
	maxVarchar     = 65535
	defaultVarchar = 256 // of text and of a varchar without a length: docs: r_Character_types
)

// BytesConstraint begins the name of a constraint that stands for a length in bytes, which is how Redshift counts. The number follows.
const BytesConstraint = "redshift bytes "

// unsupportedTypes of docsTypes, as they are written in a definition.
var unsupportedTypes = []string{
	"bit", "bytea", "hstore", "json", "jsonb", "inet", "cidr", "macaddr", "serial", "bigserial", "smallserial", "money", "oid", "regclass",
	"int4range", "int8range", "tsrange", "tstzrange", "daterange", "numrange", "name", "tsvector", "tsquery", "txid_snapshot", "uuid", "xml",
}

// column is one in a definition: name, type, attributes.
func (s *statement) column(table string, i, end int) (string, *Refusal) {
	name := s.token(i).text
	kind, attributes, refusal := s.columnType(table, name, i+1, end)
	if refusal != nil {
		return "", refusal
	}
	text := []string{name, kind}
	for i = attributes; i < end; {
		attribute, next, refusal := s.attribute(i, end)
		if refusal != nil {
			return "", refusal
		}
		if attribute != "" {
			text = append(text, attribute)
		}
		i = next
	}
	return strings.Join(text, " "), nil
}

// columnType is PostgreSQL's type for Redshift's, and the place behind it.
func (s *statement) columnType(table, column string, i, end int) (string, int, *Refusal) {
	first := s.lower(i)
	after := i + 1
	switch {
	case s.words(i, "character", "varying"), s.words(i, "double", "precision"), s.words(i, "binary", "varying"):
		after++
	}
	length := ""
	if s.is(after, "(") && after < end {
		length = s.part(after+1, s.close(after))
		after = s.close(after) + 1
	}
	if oneOf(first, unsupportedTypes...) || s.token(i).kind == quoted || s.is(after, "[") {
		return "", 0, unsupported(`Column "%s.%s" has unsupported type "%s".`, table, strings.Trim(column, `"`), s.part(i, min(after+1, end)))
	}
	switch {
	case first == "super":
		return "jsonb", after, nil
	case oneOf(first, "varbyte", "varbinary") || first == "binary":
		return "bytea", after, nil
	case oneOf(first, "text", "varchar", "nvarchar") || s.words(i, "character", "varying"):
		kind, refusal := varchar(column, length)
		return kind, after, refusal
	case first == "bpchar":
		return "char(256)", after, nil
	case first == "nchar":
		return "char(" + length + ")", after, nil
	}
	return s.part(i, after), after, nil
}

// varchar has its length in bytes held by a constraint, for PostgreSQL counts characters.
func varchar(column, length string) (string, *Refusal) {
	n := defaultVarchar
	if strings.EqualFold(length, "max") {
		n = maxVarchar
	} else if length != "" {
		var err error
		if n, err = strconv.Atoi(length); err != nil {
			return "", syntaxError(length)
		}
	}
	if n < 1 || n > maxVarchar {
		return "", &Refusal{"22023", fmt.Sprintf("length for type varchar cannot exceed %d", maxVarchar)}
	}
	return fmt.Sprintf(`varchar(%d) CONSTRAINT "%s%d %s" CHECK (octet_length(%s) <= %d)`,
		n, BytesConstraint, n, strings.Trim(column, `"`), column, n), nil
}

// attribute is the one of a column at i, as PostgreSQL takes it ("" for none), and the place behind it.
func (s *statement) attribute(i, end int) (string, int, *Refusal) {
	switch w := s.lower(i); {
	case s.words(i, "not", "null"):
		return "NOT NULL", i + 2, nil
	case s.words(i, "primary", "key"):
		return "NOT NULL", i + 2, nil
	case oneOf(w, "unique", "distkey", "sortkey"):
		return "", i + 1, nil
	case oneOf(w, "encode", "collate"):
		return "", i + 2, nil
	case w == "references":
		_, i = s.name(i + 1)
		if s.is(i, "(") {
			i = s.close(i) + 1
		}
		return "", i, nil
	case w == "identity":
		return s.identity("ALWAYS", i+1)
	case s.words(i, "generated", "by", "default", "as", "identity"):
		return s.identity("BY DEFAULT", i+5)
	case w == "check":
		return "", 0, unsupported("ALTER/CREATE TABLE column CHECK constraint is not supported")
	case w == "generated":
		return "", 0, syntaxError(s.token(i).text)
	case w == "default":
		after := s.expressionEnd(i+1, end)
		return s.part(i, after), after, nil
	}
	return s.part(i, i+1), i + 1, nil
}

// identity is that of "(seed, step)".
func (s *statement) identity(how string, i int) (string, int, *Refusal) {
	parts := s.parts(i+1, s.close(i))
	if !s.is(i, "(") || len(parts) != 2 {
		return "", 0, syntaxError(s.token(i).text)
	}
	text := fmt.Sprintf("GENERATED %s AS IDENTITY (START WITH %s INCREMENT BY %s)", how,
		s.part(parts[0][0], parts[0][1]), s.part(parts[1][0], parts[1][1]))
	return text, s.close(i) + 1, nil
}

// expressionEnd is the place behind a default's expression: the next attribute, or the end.
func (s *statement) expressionEnd(i, end int) int {
	for start := i; i < end; i++ {
		switch {
		case s.is(i, "("):
			i = s.close(i)
		case i > start && (s.words(i, "not", "null") || oneOf(s.lower(i), "encode", "distkey", "sortkey", "primary", "unique", "references", "collate", "null")):
			return i
		}
	}
	return end
}
