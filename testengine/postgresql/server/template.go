package server

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/otel-sessionlog/sessionlog/testengine/engines"
)

// initdb's arguments. No sync: a template that a power cut breaks is made again from nothing (remove its folder).
var initdbArgs = []string{"--username=" + Admin.Name, "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions", "--auth=trust"}

// templateLayout is to be raised with every change of what makeTemplate does that its other inputs do not show.
const templateLayout = 3

// template is a data directory with roles and databases, never started on its own: a server starts on a copy. Making it takes three
// seconds, a copy a tenth of one, so it is kept beside the engines, for all test processes, under a name made of what went into it.
func template(ctx context.Context, engine engines.Engine, config Config, binary string) (string, error) {
	dir, err := engines.Dir()
	if err != nil {
		return "", err
	}
	key := sha256.Sum256(fmt.Appendln(nil, templateLayout, engine.Version, os.Getuid(), initdbArgs, Admin, strings.Join(accountsSQL(), ";")))
	final := filepath.Join(dir, fmt.Sprintf("postgresql-%d-template-%s", config.Version, hex.EncodeToString(key[:8])))
	if _, err := os.Stat(final); !errors.Is(err, fs.ErrNotExist) {
		return final, err
	}
	// Made in the temporary folder, for the server's user may be unable to enter the engines'; there it becomes visible at once and whole.
	temp, err := os.MkdirTemp("", "pg-template-")
	if err != nil {
		return "", fmt.Errorf("template of PostgreSQL: %w", err)
	}
	defer func() { _ = os.RemoveAll(temp) }()
	made := Config{Dir: temp, Version: config.Version, NoTLS: true}
	if err := made.setDefaults(); err != nil {
		return "", err
	}
	if err := makeTemplate(ctx, made, binary); err != nil {
		return "", fmt.Errorf("template of PostgreSQL %d: %w", config.Version, err)
	}
	return final, publish(made.dataDir(), dir, final)
}

func makeTemplate(ctx context.Context, config Config, binary string) error {
	if err := os.Mkdir(config.dataDir(), 0o700); err != nil {
		return err
	}
	if err := errors.Join(own(config.dataDir()), letIn(config.Dir)); err != nil {
		return err
	}
	initdb := command(ctx, filepath.Join(filepath.Dir(binary), "initdb"), append(slices.Clone(initdbArgs), "--pgdata="+config.dataDir())...)
	if said, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, said)
	}
	s, err := startOn(ctx, config, binary)
	if err != nil {
		return err
	}
	for _, statement := range append(accountsSQL(), fmt.Sprintf("ALTER ROLE %s PASSWORD '%s'", Admin.Name, Admin.storedPassword())) {
		if _, err := s.Query(ctx, statement); err != nil {
			return errors.Join(err, s.Close())
		}
	}
	err = errors.Join(s.Stop(), s.Close()) // a clean stop first: no copy has to recover
	return errors.Join(err, os.RemoveAll(config.logDir()), dropMaps(config.dataDir()))
}

// dropMaps removes the free space and visibility maps, a quarter of all files: the server makes those that it misses.
func dropMaps(dataDir string) error {
	return filepath.WalkDir(dataDir, func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && (strings.HasSuffix(name, "_fsm") || strings.HasSuffix(name, "_vm")) {
			err = os.Remove(name)
		}
		return err
	})
}

// publish copies the data directory into dir under a passing name and renames it. Where another process was quicker, its is as good.
func publish(made, dir, final string) error {
	temp, err := os.MkdirTemp(dir, ".building-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(temp) }()
	copied := filepath.Join(temp, "data")
	if err := copyTree(made, copied); err != nil {
		return err
	}
	if err := os.Rename(copied, final); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// copyTree copies a data directory and gives the copy to the server's user.
func copyTree(from, to string) error {
	var c fileCopier
	return filepath.WalkDir(from, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		target := filepath.Join(to, relative)
		if entry.IsDir() {
			err = os.Mkdir(target, 0o700)
		} else {
			err = c.copyFile(name, target, 0o600)
		}
		if err != nil {
			return err
		}
		return own(target)
	})
}

// fileCopier copies one file after the other.
type fileCopier struct{ block, zeros [64 << 10]byte }

// copyFile leaves holes where the source has zeros: of the write-ahead log's 32 MB nearly all.
func (c *fileCopier) copyFile(from, to string, mode fs.FileMode) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = source.Close() }()
	target, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	return errors.Join(c.copyHoles(target, source), target.Close())
}

func (c *fileCopier) copyHoles(target, source *os.File) error {
	for at, end := int64(0), int64(0); ; {
		n, err := io.ReadFull(source, c.block[:])
		if n > 0 && !bytes.Equal(c.block[:n], c.zeros[:n]) {
			end = at + int64(n)
			if _, err := target.WriteAt(c.block[:n], at); err != nil {
				return err
			}
		}
		at += int64(n)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			if at == end {
				return nil
			}
			return target.Truncate(at)
		}
		if err != nil {
			return err
		}
	}
}
