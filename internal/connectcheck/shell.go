package connectcheck

import (
	"os"
	"os/user"
	"regexp"
	"strconv"
	"strings"
)

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:@%+=,-]+$`)

// ShellWord quotes a text, where it needs that, as one word of a command for an operator to paste; "…" where it is empty.
func ShellWord(text string) string {
	switch {
	case text == "":
		return "…"
	case plainWord.MatchString(text):
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// ServiceUser names the user that this program runs as, who is often not the reader of a remedy. It is the number where the user has no
// name.
func ServiceUser() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return strconv.Itoa(os.Getuid())
}
