// Package deadlettertest reads dead letters back.
package deadlettertest

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"
)

// Entry is one line of a dead letter.
type Entry struct {
	File      string
	Line      int // from 1
	Time      time.Time
	Component string
	Reason    string
	Record    plog.Logs // one record, with its resource and scope
}

// Read yields every entry of the folder, file by file, oldest day of a component first. A line that cannot be read, such as the one
// that a crash has torn, is yielded as an error, with its file and line in the entry, and reading goes on. A folder that does not
// exist holds nothing.
func Read(dir string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		files, err := os.ReadDir(dir) // in the order of their names; no Glob, for the folder's name is no pattern
		if err != nil {
			if !errors.Is(err, fs.ErrNotExist) {
				yield(Entry{}, fmt.Errorf("dead letter: %w", err))
			}
			return
		}
		for _, file := range files {
			if strings.HasSuffix(file.Name(), ".jsonl") && !readFile(filepath.Join(dir, file.Name()), yield) {
				return
			}
		}
	}
}

// readFile tells whether the caller wants more.
func readFile(name string, yield func(Entry, error) bool) bool {
	file, err := os.Open(name)
	if err != nil {
		return yield(Entry{File: name}, fmt.Errorf("dead letter: %w", err))
	}
	defer func() { _ = file.Close() }()
	lines := bufio.NewReader(file) // a Scanner would stop at a record longer than its buffer
	for n := 1; ; n++ {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 && !yield(parse(name, n, line)) {
			return false
		}
		if errors.Is(err, io.EOF) {
			return true
		}
		if err != nil {
			return yield(Entry{File: name, Line: n}, fmt.Errorf("dead letter: %w", err))
		}
	}
}

func parse(name string, n int, line []byte) (Entry, error) {
	entry := Entry{File: name, Line: n}
	var content struct {
		Time      time.Time       `json:"time"`
		Component string          `json:"component"`
		Reason    string          `json:"reason"`
		Record    json.RawMessage `json:"record"`
	}
	if json.Unmarshal(line, &content) != nil {
		// The parser's own message may quote the line, which may hold what a client typed.
		return entry, fmt.Errorf("dead letter: %s line %d: no complete entry (%d bytes)", name, n, len(line))
	}
	record, err := (&plog.JSONUnmarshaler{}).UnmarshalLogs(content.Record)
	if err != nil {
		return entry, fmt.Errorf("dead letter: %s line %d: no OTLP record (%d bytes)", name, n, len(content.Record))
	}
	entry.Time, entry.Component, entry.Reason, entry.Record = content.Time, content.Component, content.Reason, record
	return entry, nil
}
