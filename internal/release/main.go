// Command release makes the files of a release: archives, packages and an image of the two programs, lists of what is in them, and sums of all.
// The same commit gives the same bytes, wherever it is made.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// release says what the files are made of.
type release struct {
	root       string   // of the repository
	dist       string   // where the files go
	workFolder string   // what they are made of
	version    string   // without the v of its tag
	buildCache string   // of the go command for this machine's programs, "" for the usual one
	later      *release // one of the same commit, once a proof has made it
	made       time.Time
	platforms  []platform
	only       string // the one proof that is wanted
}

func main() {
	if err := runCommand(); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func runCommand() error {
	r := release{}
	var platforms, results string
	flag.StringVar(&r.root, "root", filepath.Join("..", ".."), "`folder` of the repository")
	flag.StringVar(&r.dist, "dist", "", "`folder` for the files, dist of the repository by default")
	flag.StringVar(&r.version, "version", "", "of the release, such as 0.1.0")
	flag.StringVar(&platforms, "platforms", "", "only these, such as linux/amd64,linux/arm64")
	flag.StringVar(&results, "prove", "", "instead: prove what is in -dist, and append to this `file`; what it has of this commit is not done again")
	flag.StringVar(&r.only, "only", "", "with -prove: this proof, such as \"two builds\"")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := r.prepare(ctx, platforms); err != nil {
		return err
	}
	if results != "" {
		return r.prove(ctx, results)
	}
	if err := emptyFolder(r.dist); err != nil {
		return err
	}
	return r.makeAll(ctx)
}

var versionForm = regexp.MustCompile(`^\d+\.\d+\.\d+(-[0-9A-Za-z.]+)?$`)

func (r *release) prepare(ctx context.Context, platforms string) (err error) {
	if !versionForm.MatchString(r.version) {
		return fmt.Errorf("-version %q is no version: write one such as 0.1.0", r.version)
	}
	if r.root, err = filepath.Abs(r.root); err != nil {
		return err
	}
	r.workFolder = filepath.Join(r.root, ".cache", "release")
	if r.dist == "" {
		r.dist = filepath.Join(r.root, "dist")
	}
	if r.dist, err = filepath.Abs(r.dist); err != nil {
		return err
	}
	if r.platforms, err = choosePlatforms(platforms); err != nil {
		return err
	}
	if r.made, err = commitTime(ctx, r.root); err != nil {
		return err
	}
	return os.Setenv("SOURCE_DATE_EPOCH", strconv.FormatInt(r.made.Unix(), 10)) // the packages ask for it
}

// commitTime is SOURCE_DATE_EPOCH, or else the time of the commit: nothing in a file is younger.
func commitTime(ctx context.Context, root string) (time.Time, error) {
	text := os.Getenv("SOURCE_DATE_EPOCH")
	if text == "" {
		out, err := runIn(ctx, root, nil, "git", "log", "-1", "--format=%ct")
		if err != nil {
			return time.Time{}, fmt.Errorf("%w; outside of a clone set SOURCE_DATE_EPOCH", err)
		}
		text = strings.TrimSpace(string(out))
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	return time.Unix(seconds, 0).UTC(), err
}

// emptyFolder makes the folder, and removes one that an earlier run has left.
func emptyFolder(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if len(entries) > 0 {
		if _, err := os.Stat(filepath.Join(dir, sumsFile)); err != nil {
			return fmt.Errorf("%s has files, and is no release: remove it, or name another", dir)
		}
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	return os.MkdirAll(dir, 0o755)
}

func (r *release) makeAll(ctx context.Context) error {
	if err := r.buildPrograms(ctx); err != nil {
		return err
	}
	if err := r.writeContents(ctx); err != nil {
		return err
	}
	if err := r.writeArchives(); err != nil {
		return err
	}
	if err := r.writePackages(ctx); err != nil {
		return err
	}
	if err := r.writeImage(); err != nil {
		return err
	}
	return r.writeSums()
}

// runIn returns what the command prints, or an error with all that it said.
func runIn(ctx context.Context, dir string, env []string, name string, arguments ...string) ([]byte, error) {
	command := exec.CommandContext(ctx, name, arguments...)
	command.Dir = dir
	command.Env = append(os.Environ(), env...)
	var said bytes.Buffer
	command.Stderr = &said
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %s", strings.Join(command.Args, " "), err, said.String())
	}
	return out, nil
}

func (r *release) file(format string, arguments ...any) string {
	return filepath.Join(r.dist, fmt.Sprintf(format, arguments...))
}
