//go:build linux

package main

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"os"
	"strconv"

	_ "modernc.org/sqlite" // to count what the collector wrote
)

// askSQLite asks a database that nobody has open.
func askSQLite(ctx context.Context, path, question string) (answer string, err error) {
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
	if err != nil {
		return "", err
	}
	err = db.QueryRowContext(ctx, question).Scan(&answer)
	return answer, errors.Join(err, db.Close())
}

// countRecords counts a mark that each record has once: contrib's file exporter writes a line a batch.
func countRecords(_ context.Context, path, mark string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	records := 0
	text := bufio.NewReaderSize(file, 1<<20)
	for at := 0; ; {
		c, err := text.ReadByte()
		if err != nil {
			break
		}
		switch {
		case c == mark[at]:
			if at++; at == len(mark) {
				records, at = records+1, 0
			}
		case c == mark[0]:
			at = 1
		default:
			at = 0
		}
	}
	return strconv.Itoa(records), file.Close()
}
