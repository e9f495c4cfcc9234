// Package dialect turns SQL written for Amazon Redshift into SQL that a PostgreSQL runs to the same effect, and refuses with Redshift's own
// errors what Redshift does not have. It works on words, not on a grammar: enough for the statements of this project, and strict where
// a documented difference would let a mistake pass. README.md lists every rule with its source.
package dialect

import "strings"

type kind uint8

const (
	space   kind = iota // blanks and comments
	word                // a key word or a plain name
	quoted              // "a name"
	literal             // 'text' or $$text$$
	number
	param // $1
	symbol
)

// token is a piece of the text; all of them joined are the text again.
type token struct {
	kind kind
	text string
}

// lex cuts sql into tokens. What never ends (a quote, a comment) is one token up to the end: the server will name it.
func lex(sql string) []token {
	var tokens []token
	for len(sql) > 0 {
		k, n := next(sql)
		tokens = append(tokens, token{k, sql[:n]})
		sql = sql[n:]
	}
	return tokens
}

func next(sql string) (kind, int) {
	c := sql[0]
	switch {
	case strings.ContainsRune(" \t\n\r\f\v", rune(c)):
		return space, len(sql) - len(strings.TrimLeft(sql, " \t\n\r\f\v"))
	case strings.HasPrefix(sql, "--"):
		return space, until(sql, 2, "\n")
	case strings.HasPrefix(sql, "/*"):
		return space, comment(sql)
	case c == '\'':
		return literal, quote(sql, true)
	case c == '"':
		return quoted, quote(sql, false)
	case c == '$':
		return dollar(sql)
	case letter(c):
		n := 1
		for n < len(sql) && (letter(sql[n]) || digit(sql[n]) || sql[n] == '$') {
			n++
		}
		return word, n
	case digit(c):
		n := 1
		for n < len(sql) && (digit(sql[n]) || sql[n] == '.') {
			n++
		}
		return number, n
	case strings.HasPrefix(sql, "::"):
		return symbol, 2
	}
	return symbol, 1
}

// quote is the length of a literal or name in quotes. In a Redshift literal a backslash escapes: PostgreSQL 8.0 knew no other way.
func quote(sql string, backslash bool) int {
	for i := 1; i < len(sql); i++ {
		switch {
		case backslash && sql[i] == '\\':
			i++
		case sql[i] != sql[0]:
		case i+1 < len(sql) && sql[i+1] == sql[0]:
			i++
		default:
			return i + 1
		}
	}
	return len(sql)
}

// dollar is a parameter ($1) or a literal between tags ($$ or $body$).
func dollar(sql string) (kind, int) {
	n := 1
	for n < len(sql) && digit(sql[n]) {
		n++
	}
	if n > 1 {
		return param, n
	}
	for n < len(sql) && (letter(sql[n]) || digit(sql[n])) {
		n++
	}
	if n == len(sql) || sql[n] != '$' {
		return symbol, 1
	}
	return literal, until(sql, n+1, sql[:n+1])
}

// comment is the length of one that may hold others.
func comment(sql string) int {
	depth := 0
	for i := 0; i+1 < len(sql); i++ {
		switch sql[i : i+2] {
		case "/*":
			depth++
			i++
		case "*/":
			depth--
			i++
			if depth == 0 {
				return i + 1
			}
		}
	}
	return len(sql)
}

// until is the length up to and with the end mark, which is looked for from byte start on.
func until(sql string, start int, end string) int {
	if i := strings.Index(sql[start:], end); i >= 0 {
		return start + i + len(end)
	}
	return len(sql)
}

func letter(c byte) bool { return c == '_' || c >= 0x80 || c|0x20 >= 'a' && c|0x20 <= 'z' }
func digit(c byte) bool  { return c >= '0' && c <= '9' }
