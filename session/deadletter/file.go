package deadletter

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// probeWritable tries a file in the folder, or in the nearest one above it that exists.
func probeWritable(wanted string) error {
	wanted, err := filepath.Abs(wanted)
	if err != nil {
		return err
	}
	for dir := wanted; ; {
		probe, err := os.CreateTemp(dir, ".writable-*")
		if err == nil {
			return errors.Join(probe.Close(), os.Remove(probe.Name()))
		}
		above := filepath.Dir(dir)
		if !errors.Is(err, fs.ErrNotExist) || above == dir {
			var cause *fs.PathError
			if errors.As(err, &cause) { // not the probe's name, which says nothing
				err = &fs.PathError{Op: "writing into", Path: wanted, Err: cause.Err}
			}
			return fmt.Errorf("folder cannot be written: %w", err)
		}
		dir = above
	}
}

func (l *Writer) openFileOfDay(day string) error {
	if l.file != nil && l.day == day && l.isFileInPlace() {
		return nil
	}
	if l.file != nil {
		l.dropFile()
	}
	if err := os.MkdirAll(l.dir, 0o700); err != nil {
		return err
	}
	file, err := os.OpenFile(l.pathOfDay(day), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	torn, err := endsWithinLine(file)
	if err == nil {
		err = errors.Join(syncFolder(l.dir), syncFolder(filepath.Dir(l.dir)))
	}
	if err != nil {
		return errors.Join(err, file.Close())
	}
	l.file, l.day, l.torn = file, day, torn
	return nil
}

func (l *Writer) isFileInPlace() bool {
	// Who has dealt with a dead letter takes the file away, and what is written into a removed file is nowhere.
	named, err := os.Stat(l.pathOfDay(l.day))
	if err != nil {
		return false
	}
	open, err := l.file.Stat()
	return err == nil && os.SameFile(named, open)
}

func endsWithinLine(file *os.File) (bool, error) {
	info, err := file.Stat()
	if err != nil || info.Size() == 0 {
		return false, err
	}
	last := make([]byte, 1)
	if _, err := file.ReadAt(last, info.Size()-1); err != nil && !errors.Is(err, io.EOF) {
		return false, fmt.Errorf("reading the end of %s: %w", file.Name(), err)
	}
	return last[0] != '\n', nil
}

func syncFolder(dir string) error {
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
