package configpostgresql

import (
	"regexp"
	"slices"
	"strings"
)

// QuoteIdentifier is a name in a statement, always in quotes.
func QuoteIdentifier(name string) string {
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

// plainIdentifier matches names that neither server changes without quotes.
var plainIdentifier = regexp.MustCompile(`^[a-z_][a-z0-9_$]*$`)

// QuoteIdentifierIfNeeded is a name in a statement for an operator to paste: in quotes where it needs them, "…" where it is empty.
func QuoteIdentifierIfNeeded(name string) string {
	switch {
	case name == "":
		return "…"
	case plainIdentifier.MatchString(name) && !slices.Contains(reservedWords, name):
		return name
	}
	return QuoteIdentifier(name)
}

// reservedWords need quotes as names: those of pg_get_keywords(), and those of Redshift
// (https://docs.aws.amazon.com/redshift/latest/dg/r_pg_keywords.html) that may be names of accounts or databases.
var reservedWords = strings.Fields(`
all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate collation column concurrently
constraint create cross current_catalog current_date current_role current_schema current_time current_timestamp current_user default
deferrable desc distinct do else end except false fetch for foreign freeze from full grant group having ilike in initially inner intersect
into is isnull join lateral leading left like limit localtime localtimestamp natural not notnull null offset on only or order outer overlaps
placing primary references returning right select session_user similar some symmetric system_user table tablesample then to trailing true
union unique user using variadic verbose when where window with
backup snapshot restore system open tag new old off offline percent recover respect top wallet permissions encrypt enable disable ignore
explicit language minus public none`)
