package deadletter

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// turnTo makes day's file the open one. The folder is synced too: a file whose name is not on the disk is lost with its content.
func (l *Letter) turnTo(day string) error {
	if l.file != nil && l.day == day {
		return nil
	}
	if l.file != nil {
		l.drop()
	}
	file, err := os.OpenFile(l.path(day), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	torn, err := endsInLine(file)
	if err == nil {
		err = syncFolder(l.dir)
	}
	if err != nil {
		return errors.Join(err, file.Close())
	}
	l.file, l.day, l.torn = file, day, torn
	return nil
}

// endsInLine tells whether a crash has left the file without its last newline.
func endsInLine(file *os.File) (bool, error) {
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
