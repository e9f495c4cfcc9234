package configclickhouse

import (
	"cmp"
	"regexp"
	"strings"
)

// QuoteIdentifier is a name in a statement, always in quotes: the server reads backslashes in it as it does in texts.
func QuoteIdentifier(name string) string { return quote(name, "`") }

// QuoteText is a string literal.
func QuoteText(text string) string { return quote(text, "'") }

func quote(s, mark string) string {
	return mark + strings.NewReplacer(`\`, `\\`, mark, `\`+mark).Replace(s) + mark
}

// plainIdentifier is a name that means itself without quotes.
var plainIdentifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// Identifier is a name in a statement that an operator is to paste, in quotes where it needs them.
func Identifier(name string) string {
	if plainIdentifier.MatchString(name) {
		return name
	}
	return QuoteIdentifier(name)
}

// AccountName is the account of a [ClientConfig]'s username in a statement that an operator is to paste.
func AccountName(username string) string {
	name := cmp.Or(username, "default")
	if upper := strings.ToUpper(name); upper == "NONE" || upper == "CURRENT_USER" { // GRANT has a meaning of its own for these
		return QuoteIdentifier(name)
	}
	return Identifier(name)
}
