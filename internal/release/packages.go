package main

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/goreleaser/nfpm/v2"
	_ "github.com/goreleaser/nfpm/v2/apk" // the forms of packages
	_ "github.com/goreleaser/nfpm/v2/deb"
	_ "github.com/goreleaser/nfpm/v2/rpm"
)

var packageForms = []string{"deb", "rpm", "apk"}

// writePackages writes what packaging/nfpm.yaml says, for Linux.
func (r *release) writePackages(ctx context.Context) error {
	if err := r.writeManual(ctx); err != nil {
		return err
	}
	if err := r.writeCompletion(ctx); err != nil {
		return err
	}
	if err := gzipFile(filepath.Join(r.root, "CHANGELOG.md"), filepath.Join(r.workFolder, "changelog.gz")); err != nil {
		return err
	}
	if err := os.Chdir(r.root); err != nil { // where the description's paths begin
		return err
	}
	for _, p := range r.platforms {
		if p.system != "linux" {
			continue
		}
		for _, form := range packageForms {
			if err := r.writePackage(p, form); err != nil {
				return fmt.Errorf("%s for %s: %w", form, p, err)
			}
		}
	}
	return nil
}

func (r *release) writePackage(p platform, form string) error {
	variables := map[string]string{"VERSION": r.version, "ARCH": p.arch, "PROGRAMS": r.programFolder(p), "WORK": r.workFolder}
	config, err := nfpm.ParseFileWithEnvMapping(filepath.Join("packaging", "nfpm.yaml"), func(name string) string { return variables[name] })
	if err != nil {
		return err
	}
	info, err := config.Get(form)
	if err != nil {
		return err
	}
	info = nfpm.WithDefaults(info)
	info.MTime = r.made
	packager, err := nfpm.Get(form)
	if err != nil {
		return err
	}
	if err := nfpm.PrepareForPackager(info, form); err != nil {
		return err
	}
	if err := r.dateScripts(info); err != nil {
		return err
	}
	info.Target = r.file("%s", packager.ConventionalFileName(info))
	return writeFile(info.Target, func(out io.Writer) error { return packager.Package(info, out) })
}

// dateScripts has the package take copies of its scripts that are as old as the commit: the time of a file of a clone is that of the clone, and an apk has it.
func (r *release) dateScripts(info *nfpm.Info) error {
	folder := filepath.Join(r.workFolder, "scripts")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for _, script := range []*string{
		&info.Scripts.PreInstall, &info.Scripts.PostInstall, &info.Scripts.PreRemove, &info.Scripts.PostRemove, &info.APK.Scripts.PreUpgrade, &info.APK.Scripts.PostUpgrade,
	} {
		if *script == "" {
			continue
		}
		content, err := os.ReadFile(*script)
		if err != nil {
			return err
		}
		dated := filepath.Join(folder, filepath.Base(*script))
		if err := os.WriteFile(dated, content, 0o755); err != nil { //nolint:gosec // a script is run
			return err
		}
		if err := os.Chtimes(dated, r.made, r.made); err != nil {
			return err
		}
		*script = dated
	}
	return nil
}

// writeManual writes the companion's pages, and packs them and the collector's.
func (r *release) writeManual(ctx context.Context) error {
	folder := filepath.Join(r.workFolder, "man")
	if err := os.RemoveAll(folder); err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	if _, err := runIn(ctx, r.root, nil, r.program(thisMachine, "sessionlog"), "man", folder); err != nil {
		return err
	}
	pages, err := filepath.Glob(filepath.Join(folder, "*.1"))
	if err != nil {
		return err
	}
	for _, page := range append(pages, filepath.Join(r.root, "packaging", "otelcol-sessionlog.1")) {
		if err := gzipFile(page, filepath.Join(folder, filepath.Base(page)+".gz")); err != nil {
			return err
		}
	}
	return nil
}

// writeCompletion writes what completes the companion's commands in each shell that packages have a folder for.
func (r *release) writeCompletion(ctx context.Context) error {
	folder := filepath.Join(r.workFolder, "completion")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for _, shell := range []string{"bash", "fish", "zsh"} {
		text, err := runIn(ctx, r.root, nil, r.program(thisMachine, "sessionlog"), "completion", shell)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, shell), text, 0o600); err != nil {
			return err
		}
	}
	return nil
}

func gzipFile(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return writeFile(to, func(out io.Writer) error {
		packed, err := gzip.NewWriterLevel(out, gzip.BestCompression)
		if err != nil {
			return err
		}
		if _, err := packed.Write(text); err != nil {
			return err
		}
		return packed.Close()
	})
}
