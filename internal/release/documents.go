package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// deployPage says what a user types. The proofs type the same.
const deployPage = "docs/deploy.md"

var commandBlock = regexp.MustCompile("(?s)\n```(?:bash)?\n(.*?\n)```\n")

// pageCommands are the first block of commands in a page's section.
func (r *release) pageCommands(page, section string) (string, error) {
	text, err := os.ReadFile(filepath.Join(r.root, page))
	if err != nil {
		return "", err
	}
	_, rest, found := strings.Cut(string(text), "\n## "+section+"\n")
	block := commandBlock.FindStringSubmatch(rest)
	if !found || block == nil {
		return "", fmt.Errorf("%s has no section %q with a block of commands", page, section)
	}
	return strings.ReplaceAll(block[1], "0.1.0", r.version), nil
}
