package main

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// result is a line of the results file: one slice of one target.
type result struct {
	commit   string
	dirty    bool   // the code differed from the commit
	golang   string // version of Go, whose fuzzer it was
	target   target // without its file
	start    time.Time
	seconds  float64 // of fuzzing, as the fuzzer tells it; building does not count
	corpus   int     // inputs that it began with: the seeds of the code and those of the corpus folder
	execs    int64
	found    int // inputs that reached new code
	outcome  outcome
	artefact string // the failing input, a file below the package
}

type outcome string

const (
	passed      outcome = "passed"
	interrupted outcome = "interrupted"
	failed      outcome = "failed" // the target found something
	broken      outcome = "broken" // the target could not be run: it does not compile, or was killed
)

var header = []string{
	"commit", "code", "go", "package", "target", "start", "seconds", "corpus", "execs", "new", "outcome", "failing input",
}

func (r *result) record() []string {
	code := "clean"
	if r.dirty {
		code = "dirty"
	}
	return []string{
		r.commit, code, r.golang, r.target.pkg, r.target.name, r.start.UTC().Format(time.RFC3339), strconv.FormatFloat(r.seconds, 'f', -1, 64),
		strconv.Itoa(r.corpus), strconv.FormatInt(r.execs, 10), strconv.Itoa(r.found), string(r.outcome), r.artefact,
	}
}

func parseResult(fields []string) (r result, err error) {
	r = result{
		commit: fields[0], dirty: fields[1] != "clean", golang: fields[2], target: target{pkg: fields[3], name: fields[4]},
		outcome: outcome(fields[10]), artefact: fields[11],
	}
	var errs [5]error
	r.start, errs[0] = time.Parse(time.RFC3339, fields[5])
	r.seconds, errs[1] = strconv.ParseFloat(fields[6], 64)
	r.corpus, errs[2] = strconv.Atoi(fields[7])
	r.execs, errs[3] = strconv.ParseInt(fields[8], 10, 64)
	r.found, errs[4] = strconv.Atoi(fields[9])
	return r, errors.Join(errs[:]...)
}

// readResults gives no results of a file that does not exist yet.
func readResults(path string) (list []result, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	reader := csv.NewReader(bytes.NewReader(text))
	reader.FieldsPerRecord = len(header)
	rows, err := reader.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for i, row := range rows {
		if i == 0 && slices.Equal(row, header) {
			continue
		}
		r, err := parseResult(row)
		if err != nil {
			return nil, fmt.Errorf("%s: line %d: %w", path, i+1, err)
		}
		list = append(list, r)
	}
	return list, nil
}

// appendResult adds a line in one write, so that a kill leaves a whole one or none.
func appendResult(path string, r *result) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	var text strings.Builder
	w := csv.NewWriter(&text)
	if info.Size() == 0 {
		_ = w.Write(header) // into memory
	}
	_ = w.Write(r.record())
	w.Flush()
	if _, err := file.WriteString(text.String()); err != nil {
		return err
	}
	return file.Sync()
}
