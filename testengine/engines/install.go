package engines

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
	"os/exec"
	"path/filepath"
	"time"
)

const progressEvery = 5 * time.Second

// Install puts the engine into Dir unless it is there. It tells out what it does and how long it takes.
//
// Everything happens in a temporary folder beside the final one, which a rename makes visible at once and whole: a run that is
// interrupted leaves no half engine, and of two runs at a time the second one finds the first one's result.
func (e Engine) Install(ctx context.Context, out io.Writer) error {
	start := time.Now()
	if file, err := e.Find(); err == nil {
		fmt.Fprintf(out, "%s %s is installed: %s\n", e.Name, e.Version, file)
		return nil
	}
	if err := Supported(); err != nil {
		return err
	}
	dir, err := Dir()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("engine folder: %w; set %s to a folder you may write", err, EnvDir)
	}
	temp, err := os.MkdirTemp(dir, ".installing-")
	if err != nil {
		return fmt.Errorf("engine folder: %w; set %s to a folder you may write", err, EnvDir)
	}
	defer func() { _ = os.RemoveAll(temp) }()
	fmt.Fprintf(out, "%s %s: npm installs %s (%s)\n", e.Name, e.Version, e.Package, e.Fetch)
	if err := e.npmInstall(ctx, temp, out); err != nil {
		return err
	}
	unpacked := filepath.Join(temp, "node_modules", filepath.FromSlash(e.Package))
	if err := e.verify(filepath.Join(unpacked, filepath.FromSlash(e.File))); err != nil {
		return err
	}
	if err := e.link(unpacked); err != nil {
		return err
	}
	if err := e.publish(unpacked, e.folder(dir)); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s %s: checksum right, installed in %s after %.1f s\n", e.Name, e.Version, e.folder(dir), time.Since(start).Seconds())
	return nil
}

// npmInstall runs npm. No scripts: nothing of the package is executed but what the tests load later.
func (e Engine) npmInstall(ctx context.Context, prefix string, out io.Writer) error {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return errors.New("npm is not in PATH: install it (Debian, Ubuntu: apt-get install npm), then run 'make engines' again")
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := exec.CommandContext(ctx, npm, "install", "--no-audit", "--no-fund", "--no-save", "--ignore-scripts",
		"--prefix", prefix, e.Package+"@"+e.Version)
	cmd.Dir = prefix // or npm reads the .npmrc and package.json of wherever we are
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start npm: %w", err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	ticker := time.NewTicker(progressEvery)
	defer ticker.Stop()
	for start := time.Now(); ; {
		select {
		case <-ticker.C:
			fmt.Fprintf(out, "%s %s: still at it, %.0f s\n", e.Name, e.Version, time.Since(start).Seconds())
		case err := <-done:
			if err != nil {
				return fmt.Errorf("npm install %s@%s: %w\n%s", e.Package, e.Version, err, said.Bytes())
			}
			return nil
		}
	}
}

// verify compares the file with the pinned checksum: what a registry serves is run here.
func (e Engine) verify(name string) error {
	file, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("%s@%s: %w", e.Package, e.Version, err)
	}
	defer func() { _ = file.Close() }()
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	if got := hex.EncodeToString(hash.Sum(nil)); got != e.SHA256 {
		return fmt.Errorf("%s of %s@%s has SHA-256 %s, want %s: not installed", e.File, e.Package, e.Version, got, e.SHA256)
	}
	return nil
}

// publish renames the unpacked package to its final folder. A folder that another run has put there meanwhile is as good as ours;
// one that Find does not accept is put aside first.
func (e Engine) publish(unpacked, final string) error {
	err := os.Rename(unpacked, final)
	if err == nil || !errors.Is(err, fs.ErrExist) {
		return err
	}
	if _, err := e.Find(); err == nil {
		return nil
	}
	if err := os.Rename(final, filepath.Join(filepath.Dir(unpacked), "broken")); err != nil {
		return err
	}
	return os.Rename(unpacked, final)
}
