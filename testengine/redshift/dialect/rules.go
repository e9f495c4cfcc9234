package dialect

import (
	"fmt"
	"strconv"
	"strings"
)

// Sources of the rules. The documentation is https://docs.aws.amazon.com/redshift/latest/dg/; an issue is one at GitHub in which somebody
// shows Redshift's own message.
const (
	docsFeatures = "docs: c_unsupported-postgresql-features"
	docsTypes    = "docs: c_unsupported-postgresql-datatypes"
	docsDiffer   = "docs: c_redshift-sql-implementated-differently"
	derived      = "derived: newer than PostgreSQL 8.0, and in no page of the documentation"
)

type rule struct {
	what   string
	source string
	check  func(*statement) *Refusal
}

// rules are what Redshift refuses, whatever the statement; those for CREATE and ALTER TABLE are in definition.go.
var rules = []rule{
	{"COPY from or to the client", "dbcli/pgcli#705, darwin-eu/CDMConnector#38", copyFromClient},
	{"ON CONFLICT", "jazzband/django-redshift-backend#102", anywhere("on", "conflict")},
	{"RETURNING", "sqlalchemy-redshift/sqlalchemy-redshift#330", returning},
	{"DISTINCT ON", "jazzband/django-redshift-backend#14", distinctOn},
	{"CREATE of what there is none", docsFeatures + " (indexes, triggers, sequences, tablespaces), " + docsTypes, create},
	{"arrays", docsFeatures + " (array constructors), " + docsTypes, arrays},
	{"VALUES as a table", docsFeatures, valuesAsTable},
	{"E'' literals", "npgsql/npgsql#515", escapeLiteral},
	{"casts to types that are none", docsTypes, casts},
	{"settings", "stripe-archive/mosql#38, JuliaDatabases/LibPQ.jl#71, Borvik/vscode-postgres#18, duckdb/duckdb-postgres#181", settings},
	{"advisory locks", "salsita/node-pg-migrate#767", advisoryLocks},
	{"FILTER", derived, anywhere(")", "filter")},
	{"LATERAL", derived, anywhere("lateral")},
	{"SKIP LOCKED", derived, anywhere("skip", "locked")},
	{"DISCARD", derived, first("discard")},
}

// anywhere refuses these words in a row as a syntax error at the first that is a word.
func anywhere(words ...string) func(*statement) *Refusal {
	return func(s *statement) *Refusal {
		i := s.find(words...)
		if i < 0 {
			return nil
		}
		if s.token(i).kind != word {
			i++
		}
		return syntaxError(s.token(i).text)
	}
}

func first(word string) func(*statement) *Refusal {
	return func(s *statement) *Refusal {
		if s.is(0, word) {
			return syntaxError(s.token(0).text)
		}
		return nil
	}
}

// copyFromClient lets no COPY pass: Redshift's own reads from S3, EMR, DynamoDB or SSH, which this stand-in cannot reach.
func copyFromClient(s *statement) *Refusal {
	if !s.is(0, "copy") {
		return nil
	}
	if s.is(1, "(") {
		return syntaxError("(")
	}
	for i := range s.len() {
		if w := s.lower(i); w == "stdin" || w == "stdout" {
			return syntaxError(s.token(i).text)
		}
	}
	return unsupported("the stand-in for Redshift reaches no S3: COPY is not modelled")
}

func returning(s *statement) *Refusal {
	if i := s.find("returning"); i > 0 && oneOf(s.lower(0), "insert", "update", "delete", "with", "merge") {
		return syntaxError(s.token(i).text)
	}
	return nil
}

func distinctOn(s *statement) *Refusal {
	if s.find("distinct", "on", "(") >= 0 {
		return unsupported("SELECT DISTINCT ON is not supported")
	}
	return nil
}

func create(s *statement) *Refusal {
	if !s.is(0, "create") {
		return nil
	}
	i := 1
	for oneOf(s.lower(i), "or", "replace", "unique", "constraint", "unlogged") {
		i++
	}
	switch s.lower(i) {
	case "index", "trigger", "rule", "sequence", "tablespace", "type", "domain", "extension", "aggregate", "operator", "cast", "collation", "policy":
		return unsupported(`SQL command "%s" not supported on Redshift tables.`, strings.TrimSpace(s.text()))
	}
	if s.is(1, "unlogged") {
		return syntaxError(s.token(1).text)
	}
	return nil
}

func arrays(s *statement) *Refusal {
	for i := range s.len() {
		switch {
		case s.words(i, "array", "["), s.words(i, "array", "("),
			oneOf(s.lower(i), "any", "all", "some") && s.is(i+1, "(") && s.token(i+2).kind == param:
			return unsupported("ARRAY expressions are not supported on Redshift tables.")
		case s.is(i, "::") && s.token(i+1).kind == word && s.is(i+2, "["):
			return unsupported("array types are not supported on Redshift tables.")
		}
	}
	return nil
}

func valuesAsTable(s *statement) *Refusal {
	if s.is(0, "values") {
		return syntaxError(s.token(0).text)
	}
	if i := s.find("(", "values"); i >= 0 {
		return syntaxError(s.token(i + 1).text)
	}
	return nil
}

func escapeLiteral(s *statement) *Refusal {
	for i, t := range s.tokens {
		if i > 0 && t.kind == literal && t.text[0] == '\'' && s.tokens[i-1].kind == word && strings.EqualFold(s.tokens[i-1].text, "e") {
			return &Refusal{"42704", `type "e" does not exist`}
		}
	}
	return nil
}

func casts(s *statement) *Refusal {
	for i := range s.len() {
		if !s.is(i, "::") && !s.is(i, "as") {
			continue
		}
		if t := s.lower(i + 1); oneOf(t, "uuid", "json", "jsonb", "xml", "hstore", "tsvector", "tsquery") && (s.is(i, "::") || s.is(i+2, ")")) {
			return &Refusal{"42704", fmt.Sprintf(`type "%s" does not exist`, t)}
		}
	}
	return nil
}

// unknownSettings are PostgreSQL's since 8.0 that drivers like to set or ask for.
var unknownSettings = []string{
	"standard_conforming_strings", "intervalstyle", "bytea_output", "synchronous_commit", "lock_timeout",
	"idle_in_transaction_session_timeout", "server_version_num", "row_security", "jit", "default_transaction_deferrable", "escape_string_warning",
}

func settings(s *statement) *Refusal {
	i := 1
	switch s.lower(0) {
	case "set":
		for oneOf(s.lower(i), "session", "local") {
			i++
		}
	case "show", "reset":
	default:
		if i = s.find("current_setting", "("); i < 0 {
			return nil
		}
		i += 2
	}
	name := strings.ToLower(strings.Trim(s.token(i).text, `'"`))
	if refusal := Setting(name, strings.Trim(s.token(i+2).text, "'")); refusal != nil {
		return refusal
	}
	if name == "server_version" && !s.is(0, "set") {
		return &Refusal{"42501", `must be superuser to examine "server_version"`}
	}
	return nil
}

// Setting refuses what Redshift does not take as a run-time parameter, from SET or from a start-up packet.
func Setting(name, value string) *Refusal {
	if name = strings.ToLower(name); oneOf(name, unknownSettings...) {
		return &Refusal{"42704", fmt.Sprintf(`unrecognized configuration parameter "%s"`, name)}
	}
	if digits, err := strconv.Atoi(value); name == "extra_float_digits" && err == nil && (digits < -15 || digits > 2) {
		return &Refusal{"22023", fmt.Sprintf(`%d is outside the valid range for parameter "extra_float_digits" (-15 .. 2)`, digits)}
	}
	return nil
}

func advisoryLocks(s *statement) *Refusal {
	for i := range s.len() {
		if w := s.lower(i); strings.HasPrefix(w, "pg_advisory_") || strings.HasPrefix(w, "pg_try_advisory_") {
			return &Refusal{"42883", fmt.Sprintf("function %s() does not exist", w)}
		}
	}
	return nil
}
