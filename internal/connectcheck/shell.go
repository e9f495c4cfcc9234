package connectcheck

import (
	"os"
	"os/user"
	"regexp"
	"strconv"
	"strings"
)

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:@%+=,-]+$`)

// ShellWord is a text as one word of a shell's command that an operator is to paste, in quotes where it needs them; "…" where there is
// none.
func ShellWord(text string) string {
	switch {
	case text == "":
		return "…"
	case plainWord.MatchString(text):
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// ServiceUser names the user that this program runs as: who reads a remedy is often another one. Its number where it has no
// name.
func ServiceUser() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return strconv.Itoa(os.Getuid())
}
