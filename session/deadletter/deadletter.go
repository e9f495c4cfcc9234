// Package deadletter keeps what a pipeline has refused for good, so that nothing is dropped silently: JSON lines on disk, one a
// record, safe against power loss once [Writer.Write] has returned nil.
//
// A folder may be shared by any number of components, each writes files of its own:
//
//	<component>.<UTC day>.jsonl      receiver.sessionlog.warehouse.2026-11-20.jsonl, mode 0600
//
// and each line holds one record with its resource and scope, as an OTLP export request in JSON, which any OTLP/HTTP receiver takes:
//
//	{"time":"…","component":"receiver/sessionlog/warehouse","reason":"…","record":{"resourceLogs":[…]}}
//
// Writing is at least once: what Write gave an error for may be there in part, and is there again after the retry. Readers
// tell copies by log.record.uid.
package deadletter

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"
)

// chunkBytes is how many bytes are gathered before they go to the file: a page of records must not be in memory twice.
const chunkBytes = 1 << 20

// Writer writes the dead letters of one component. It is safe for concurrent use.
type Writer struct {
	dir       string
	component string
	now       func() time.Time

	mu   sync.Mutex
	file *os.File
	day  string
	torn bool // the file may end within a line
	buf  []byte
}

// Open proves that the folder can be written, or made where it is missing, but leaves no trace: the folder comes with the first
// record. component names whose dead letter it is and must be the component's own in this folder: its kind and id, such as
// receiver/sessionlog/warehouse.
// An empty dir is the first of [DefaultDirectories] that can be written.
func Open(dir, component string) (*Writer, error) {
	if dir == "" {
		var err error
		if dir, err = firstWritable(DefaultDirectories()); err != nil {
			return nil, fmt.Errorf("dead letter: none of %s: %w", strings.Join(DefaultDirectories(), ", "), err)
		}
	}
	return openWithClock(dir, component, time.Now)
}

// folderName is what a dead letter's folder is called where nobody has named one.
const folderName = "dead_letter"

// DefaultDirectories are where the dead letter may be when the configuration names no folder, in the order in which they are tried: the
// folder that systemd gives a service (StateDirectory=), the working directory, and where the documentation keeps its data. A service
// usually works in /, which it may not write.
func DefaultDirectories() (list []string) {
	if state, _, _ := strings.Cut(os.Getenv("STATE_DIRECTORY"), ":"); state != "" {
		list = append(list, filepath.Join(state, folderName))
	}
	return append(list, folderName, filepath.Join("/var/lib/otelcol-sessionlog", folderName))
}

// FolderBeside is the dead letter's folder beside a file of data.
func FolderBeside(path string) string { return filepath.Join(filepath.Dir(path), folderName) }

func firstWritable(list []string) (string, error) {
	var errs []error
	for _, dir := range list {
		err := probeWritable(dir)
		if err == nil {
			return dir, nil
		}
		errs = append(errs, err)
	}
	return "", errors.Join(errs...)
}

func openWithClock(dir, component string, now func() time.Time) (*Writer, error) {
	if err := probeWritable(dir); err != nil {
		return nil, fmt.Errorf("dead letter: %w", err)
	}
	return &Writer{dir: dir, component: component, now: now}, nil
}

// Dir is the folder.
func (l *Writer) Dir() string { return l.dir }

// RefusedLogs holds records that were refused for one reason.
type RefusedLogs struct {
	Logs   plog.Logs // records of any kind; not changed
	Reason error     // why they were refused; its text is written beside each
}

// Write appends every record of logs and returns nil when all of them are on the disk. After an error (a full disk, ctx that
// ended) nothing was promised: the caller still owns the records. logs is not changed.
func (l *Writer) Write(ctx context.Context, logs plog.Logs, reason error) error {
	return l.WriteAll(ctx, []RefusedLogs{{logs, reason}})
}

// WriteAll is Write for any number of reasons, which the disk is waited for once.
func (l *Writer) WriteAll(ctx context.Context, letters []RefusedLogs) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now().UTC()
	if err := l.openFileOfDay(now.Format(time.DateOnly)); err != nil {
		return fmt.Errorf("dead letter: %w", err)
	}
	if err := l.appendAll(ctx, now, letters); err != nil {
		l.dropFile()
		return fmt.Errorf("dead letter: %w", err)
	}
	return nil
}

// Close closes the file. Everything that Write promised is on the disk already.
func (l *Writer) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return nil
	}
	file := l.file
	l.file = nil
	return file.Close()
}

func (l *Writer) appendAll(ctx context.Context, now time.Time, letters []RefusedLogs) error {
	l.buf = l.buf[:0]
	for _, letter := range letters {
		if err := l.appendRecords(ctx, newEnvelope(now, l.component, letter.Reason), letter.Logs); err != nil {
			return err
		}
	}
	if err := l.flushBuffer(); err != nil {
		return err
	}
	return l.file.Sync()
}

func (l *Writer) appendRecords(ctx context.Context, head lineEnvelope, logs plog.Logs) error {
	for one := range eachRecord(logs) {
		if err := ctx.Err(); err != nil {
			return err
		}
		line, err := head.encodeLine(one)
		if err != nil {
			return err
		}
		l.buf = append(l.buf, line...)
		if len(l.buf) >= chunkBytes {
			if err := l.flushBuffer(); err != nil {
				return err
			}
		}
	}
	return nil
}

// flushBuffer writes the gathered lines, after closing off the line that an earlier process or a failed write has torn.
func (l *Writer) flushBuffer() error {
	if l.torn {
		if _, err := l.file.Write([]byte{'\n'}); err != nil {
			return err
		}
		l.torn = false
	}
	_, err := l.file.Write(l.buf)
	l.buf = l.buf[:0]
	return err
}

// dropFile closes the file, so that the next Write opens it anew and looks how it ends. That is due after a write that was cut short,
// and after a failed fsync too: Linux reports it once and may have thrown the pages away, so only writing everything again, which
// the caller's retry is, says anything about the disk.
func (l *Writer) dropFile() {
	_ = l.file.Close()
	l.file = nil
}

func fileName(component, day string) string {
	var b strings.Builder
	for _, r := range component {
		switch {
		case r == '/':
			b.WriteByte('.')
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, "~%04X", r)
		}
	}
	return b.String() + "." + day + fileExtension
}

const fileExtension = ".jsonl"

func (l *Writer) pathOfDay(day string) string {
	return filepath.Join(l.dir, fileName(l.component, day))
}
