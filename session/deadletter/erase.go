package deadletter

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"
)

// erasingExtension ends the name of a file that is being rewritten.
const erasingExtension = ".erasing"

// settlingTime is for how long a file must not grow that nobody is to write into any more: a writer may have opened it before it was renamed.
const settlingTime = time.Second

// Erase removes the records that are chosen from the folder's files, also while their writers run, or only counts them. A call that was cut short loses nothing:
// the next one goes on. A line that cannot be read stays.
func Erase(ctx context.Context, dir string, onlyCount bool, isChosen func(plog.Logs) bool) (records int, err error) {
	files, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	for _, file := range files {
		path := filepath.Join(dir, strings.TrimSuffix(file.Name(), erasingExtension))
		if filepath.Ext(path) != fileExtension {
			continue
		}
		found, eraseErr := eraseFrom(ctx, path, strings.HasSuffix(file.Name(), erasingExtension), onlyCount, isChosen)
		if records += found; eraseErr != nil {
			err = errors.Join(err, fmt.Errorf("dead letter: %s: %w", path, eraseErr))
		}
	}
	return records, err
}

func eraseFrom(ctx context.Context, path string, begun, onlyCount bool, isChosen func(plog.Logs) bool) (found int, err error) {
	from := path
	if begun {
		from += erasingExtension
	}
	count := func(line []byte, chosen bool) error {
		if chosen {
			found++
		}
		return nil
	}
	if err := eachLine(ctx, from, isChosen, count); err != nil || onlyCount || found == 0 && !begun {
		return found, err
	}
	if !begun {
		if from += erasingExtension; fileExists(from) {
			return 0, errors.New("an erasure of it was cut short: call it again")
		}
		if err := os.Rename(path, from); err != nil {
			return 0, err
		}
	}
	if err := waitUntilSettled(ctx, from); err != nil {
		return 0, err
	}
	return moveRest(ctx, from, path, isChosen)
}

func fileExists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func waitUntilSettled(ctx context.Context, path string) error {
	for size := int64(-1); ; {
		info, err := os.Stat(path)
		if err != nil || info.Size() == size {
			return err
		}
		size = info.Size()
		select {
		case <-time.After(settlingTime):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func moveRest(ctx context.Context, from, to string, isChosen func(plog.Logs) bool) (found int, err error) {
	// A writer may have made the file anew.
	file, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return 0, err
	}
	err = eachLine(ctx, from, isChosen, func(line []byte, chosen bool) error {
		if chosen {
			found++
			return nil
		}
		_, err := file.Write(line) // in one piece: others append too
		return err
	})
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return 0, err
	}
	return found, errors.Join(os.Remove(from), syncFolder(filepath.Dir(to)))
}

// eachLine gives the lines of a file, each with its end.
func eachLine(ctx context.Context, path string, isChosen func(plog.Logs) bool, do func(line []byte, chosen bool) error) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	lines := bufio.NewReaderSize(file, chunkBytes)
	for ctx.Err() == nil {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			if line[len(line)-1] != '\n' {
				line = append(line, '\n')
			}
			if err := do(line, isLineChosen(line, isChosen)); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}

func isLineChosen(line []byte, isChosen func(plog.Logs) bool) bool {
	var content struct {
		Record json.RawMessage `json:"record"`
	}
	if json.Unmarshal(line, &content) != nil {
		return false
	}
	record, err := (&plog.JSONUnmarshaler{}).UnmarshalLogs(content.Record)
	return err == nil && isChosen(record)
}
