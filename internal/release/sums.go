package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
)

// sumsFile is for `sha256sum -c`.
const sumsFile = "SHA256SUMS"

func (r *release) writeSums() error {
	entries, err := os.ReadDir(r.dist) // by name
	if err != nil {
		return err
	}
	return writeFile(r.file(sumsFile), func(out io.Writer) error {
		for _, entry := range entries {
			text, err := os.ReadFile(r.file("%s", entry.Name()))
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintf(out, "%x  %s\n", sha256.Sum256(text), entry.Name()); err != nil {
				return err
			}
		}
		return nil
	})
}
