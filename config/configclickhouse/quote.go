package configclickhouse

import (
	"cmp"
	"regexp"
	"strings"
)

// QuoteIdentifier is a name in a statement, always in quotes: the server reads backslashes in it as it does in texts.
func QuoteIdentifier(name string) string { return quoteWith(name, "`") }

// QuoteText is a string literal.
func QuoteText(text string) string { return quoteWith(text, "'") }

func quoteWith(s, mark string) string {
	return mark + strings.NewReplacer(`\`, `\\`, mark, `\`+mark).Replace(s) + mark
}

var plainIdentifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// QuoteIdentifierIfNeeded is a name in a statement for an operator to paste, in quotes where it needs them.
func QuoteIdentifierIfNeeded(name string) string {
	if plainIdentifier.MatchString(name) {
		return name
	}
	return QuoteIdentifier(name)
}

// AccountName is the account of a [ClientConfig]'s username in a statement for an operator to paste.
func AccountName(username string) string {
	name := cmp.Or(username, "default")
	if upper := strings.ToUpper(name); upper == "NONE" || upper == "CURRENT_USER" { // GRANT has a meaning of its own for these
		return QuoteIdentifier(name)
	}
	return QuoteIdentifierIfNeeded(name)
}
