//go:build !unix

package file

import "io/fs"

// fileID is the name, for want of what Unix has: a rotated file is known by its text alone.
type fileID struct{ name string }

func infoOf(info fs.FileInfo) diskInfo {
	return diskInfo{id: fileID{info.Name()}, size: info.Size(), modified: info.ModTime()}
}

func groupOf(_ fs.FileInfo) string { return "" }
