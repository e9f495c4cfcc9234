package tail

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"time"
)

// Folder is where the texts lie: files of this machine, or of a server that lets them be read.
type Folder interface {
	// List gives what there is to read, what was changed longest ago first: rotated files before the one that is written. A file
	// that cannot be examined is given to reportProblem, and the others go on. An error means that nobody knows what there is.
	List(ctx context.Context, reportProblem func(path string, err error)) ([]File, error)
	// Open opens one of them. ctx bounds all that is done with it until it is closed, where that takes a server.
	Open(ctx context.Context, path string) (OpenFile, error)
}

// File is what a Folder found.
type File struct {
	Path string
	Info FileInfo
}

// SortFiles sorts files as [Folder.List] gives them. Of one time, what a rotation has added to a name comes before the name alone.
func SortFiles(files []File) {
	slices.SortFunc(files, func(a, b File) int {
		if c := a.Info.ModTime().Compare(b.Info.ModTime()); c != 0 {
			return c
		}
		return strings.Compare(a.Path+"\xff", b.Path+"\xff")
	})
}

// FileInfo is what a Folder knows of a file without reading it. Two can be compared; where they are equal, nothing has changed.
type FileInfo interface {
	Size() int64
	ModTime() time.Time
	// Key is equal for two of the same file, whatever its content and name have become. It can be compared.
	Key() any
}

func isSameVersion(a, b FileInfo) bool { return a.Size() == b.Size() && a.ModTime().Equal(b.ModTime()) }

// OpenFile is an open file, as it lies: compressed or not.
type OpenFile interface {
	io.Reader
	io.ReaderAt
	io.Seeker
	io.Closer
	Stat() (FileInfo, error)
}

// ErrUnreachable is among the errors of a Folder when it is not the file that is to blame but the way to all of them: the
// scan ends, nothing is concluded from it, and the next one follows.
var ErrUnreachable = errors.New("the log folder is out of reach")

// onlyUnreachable drops an error of a single file, which whoever reads the file next reports.
func onlyUnreachable(err error) error {
	if errors.Is(err, ErrUnreachable) {
		return err
	}
	return nil
}
