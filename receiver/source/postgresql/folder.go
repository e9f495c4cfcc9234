package postgresql

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"strconv"
	"time"

	"github.com/otel-sessionlog/sessionlog/receiver/source/tail"
)

// logFolder is the [tail.Folder] of the server's log files.
type logFolder struct {
	link     *logConnection
	format   string
	settings serverSettings
	changed  func() // is called when the settings are others
	looked   func() // is called when they are the same
	known    map[string]logFileInfo
}

// logFileInfo is what the server says of a file. Files have no identity beyond their names there; their content shows the rest.
type logFileInfo struct {
	name     string
	size     int64
	modified time.Time
}

func (i logFileInfo) Size() int64        { return i.size }
func (i logFileInfo) ModTime() time.Time { return i.modified }
func (i logFileInfo) Key() any           { return i.name }

var errChanged = fmt.Errorf("%w: settings of the server have changed, reading begins again with the new ones", tail.ErrUnreachable)

const listSQL = `SELECT name, size, (extract(epoch FROM modified) * 1000000)::bigint FROM sessionlog.log_files()`

func (f *logFolder) List(ctx context.Context, _ func(string, error)) ([]tail.File, error) {
	now, err := f.link.readSettings(ctx)
	if err != nil {
		return nil, err
	}
	if now != f.settings {
		f.changed()
		return nil, errChanged
	}
	f.looked()
	rows, err := f.link.queryRows(ctx, false, listSQL)
	if err != nil {
		return nil, err
	}
	var files []tail.File
	f.known = make(map[string]logFileInfo, len(rows))
	for _, row := range rows {
		i := logFileInfo{name: string(row[0])}
		size, err1 := strconv.ParseInt(string(row[1]), 10, 64)
		micros, err2 := strconv.ParseInt(string(row[2]), 10, 64)
		if err := errors.Join(err1, err2); err != nil {
			return nil, fmt.Errorf("%w: sessionlog.log_files(): %w", tail.ErrUnreachable, err)
		}
		if formatOf(i.name) != f.format {
			continue
		}
		i.size, i.modified = size, time.UnixMicro(micros)
		f.known[i.name] = i
		files = append(files, tail.File{Path: i.name, Info: i})
	}
	tail.SortFiles(files)
	return files, nil
}

var rotatedName = regexp.MustCompile(`\.(csv|json)(\.[0-9]+)?$`)

func formatOf(name string) string {
	if m := rotatedName.FindStringSubmatch(name); m != nil {
		return m[1] + "log"
	}
	return "stderr"
}

func (f *logFolder) Open(ctx context.Context, path string) (tail.OpenFile, error) {
	i, ok := f.known[path]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	return &logFile{ctx: ctx, link: f.link, info: i}, nil
}

// logFile is a [tail.OpenFile] that is read by offset, over SQL.
type logFile struct {
	ctx   context.Context //nolint:containedctx // io.Reader takes none; the handle lives as long as one turn
	link  *logConnection
	info  logFileInfo
	at    int64
	first []byte // the beginning, for the several who look at it
	ended int64  // where the file was seen to end, 0 when it was not
}

const (
	pageBytes  = 1 << 20 // what sessionlog.read_log gives at most
	firstBytes = 4096
)

const readSQL = `SELECT sessionlog.read_log($1::text, $2::bigint, $3::integer)`

func (f *logFile) ReadAt(p []byte, at int64) (n int, err error) {
	if at == 0 && len(p) <= firstBytes {
		if f.first == nil {
			if f.first, err = f.readPart(0, firstBytes); err != nil {
				return 0, err
			}
		}
		if n = copy(p, f.first); n < len(p) {
			err = io.EOF
		}
		return n, err
	}
	for n < len(p) {
		want := min(len(p)-n, pageBytes)
		page, err := f.readPart(at+int64(n), want)
		if err != nil {
			return n, err
		}
		n += copy(p[n:], page)
		if len(page) < want {
			return n, io.EOF
		}
	}
	return n, nil
}

func (f *logFile) readPart(at int64, bytes int) ([]byte, error) {
	rows, err := f.link.queryRows(f.ctx, true, readSQL, f.info.name, strconv.FormatInt(at, 10), strconv.Itoa(bytes))
	if err != nil {
		return nil, err
	}
	if rows[0][0] == nil {
		return nil, &fs.PathError{Op: "read", Path: f.info.name, Err: fs.ErrNotExist}
	}
	return rows[0][0], nil
}

// Read is part of [io.Reader]. It asks no further once the end was seen: what is written meanwhile is the next turn's.
func (f *logFile) Read(p []byte) (int, error) {
	if f.ended > 0 && f.at >= f.ended {
		return 0, io.EOF
	}
	n, err := f.ReadAt(p, f.at)
	f.at += int64(n)
	if errors.Is(err, io.EOF) {
		f.ended = f.at
		if n > 0 {
			err = nil
		}
	}
	return n, err
}

func (f *logFile) Seek(offset int64, whence int) (int64, error) {
	if whence != io.SeekStart {
		return f.at, errors.ErrUnsupported
	}
	f.at, f.ended = offset, 0
	return offset, nil
}

func (f *logFile) Stat() (tail.FileInfo, error) { return f.info, nil }

func (f *logFile) Close() error { return nil }
