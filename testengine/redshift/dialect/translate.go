package dialect

import (
	"fmt"
	"strings"
)

// Refusal is an error as Redshift reports it.
type Refusal struct {
	Code    string // SQLSTATE
	Message string
}

func (r *Refusal) Error() string { return r.Message + " (" + r.Code + ")" }

// MaxStatement is the greatest size of a statement: https://docs.aws.amazon.com/redshift/latest/dg/c_redshift-sql.html
const MaxStatement = 16 << 20

// Translate gives the statement or statements as PostgreSQL runs them. The refusal is that of the first statement that Redshift would
// refuse; nothing of the text is to be run then.
func Translate(sql string) (string, *Refusal) {
	if len(sql) > MaxStatement {
		return "", &Refusal{"54000", fmt.Sprintf("Statement is too large. Statement Size: %d bytes. Maximum Allowed: %d bytes", len(sql), MaxStatement)}
	}
	var out []string
	for _, s := range split(lex(sql)) {
		for _, r := range rules {
			if refusal := r.check(&s); refusal != nil {
				return "", refusal
			}
		}
		s.expressions() // first: a definition becomes one piece of text, default values included
		if refusal := s.definition(); refusal != nil {
			return "", refusal
		}
		out = append(out, s.text())
	}
	return strings.Join(out, ";"), nil
}

func syntaxError(near string) *Refusal {
	return &Refusal{"42601", fmt.Sprintf(`syntax error at or near "%s"`, near)}
}

func unsupported(format string, args ...any) *Refusal {
	return &Refusal{"0A000", fmt.Sprintf(format, args...)}
}
