//go:build !linux

package file

import "os"

func statFile(path string) (diskInfo, error) {
	info, err := os.Stat(path)
	if err != nil {
		return diskInfo{}, err
	}
	return infoOf(info), nil
}

func statIn(_ *os.File, path string) (diskInfo, error) { return statFile(path) }
