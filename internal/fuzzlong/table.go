package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// place is where a table stands in a Markdown file: between <!-- table: NAME --> and <!-- end -->.
var place = regexp.MustCompile(`(?s)<!-- table: (\S+) -->\n.*?<!-- end -->`)

// writeTables puts the tables of a Markdown file between their marks: that of fuzz.csv sums it up, any other is the file
// of that name in the folder, row by row.
func writeTables(path, folder string, fuzzed []summary) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var problem error
	text = place.ReplaceAllFunc(text, func(whole []byte) []byte {
		name := string(place.FindSubmatch(whole)[1])
		table := fuzzTable(fuzzed)
		if name != "fuzz.csv" {
			if table, err = csvTable(filepath.Join(folder, name)); err != nil {
				problem = errors.Join(problem, err)
			}
		}
		return []byte("<!-- table: " + name + " -->\n" + table + "<!-- end -->")
	})
	if problem != nil {
		return problem
	}
	return os.WriteFile(path, text, 0o644)
}

func fuzzTable(list []summary) string {
	var b strings.Builder
	b.WriteString("| package | target | minutes | of these on the code as it is | runs | new inputs | failures found |\n|---|---|---|---|---|---|---|\n")
	for _, s := range list {
		fmt.Fprintf(&b, "| %s | %s | %.1f | %.1f | %d | %d | %d |\n", s.target.pkg, s.target.name, s.spent.Minutes(), s.current.Minutes(), s.execs, s.found, s.failures)
	}
	return b.String()
}

func csvTable(path string) (string, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "None yet.\n", nil
	}
	if err != nil {
		return "", err
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	var b strings.Builder
	for i, row := range rows {
		b.WriteString("| " + strings.ReplaceAll(strings.Join(row, "\x00"), "|", `\|`) + " |\n")
		if i == 0 {
			b.WriteString(strings.Repeat("|---", len(row)) + "|\n")
		}
	}
	return strings.ReplaceAll(b.String(), "\x00", " | "), nil
}
