package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"time"
)

// packedFile is one of an archive or a layer.
type packedFile struct {
	name string // with slashes
	from string // a path; "" for a folder
	mode int64
	user int // also the group
}

// archiveFiles are what is beside the programs in an archive.
var archiveFiles = []string{"LICENSE", "README.md", "CHANGELOG.md", "config/collector.yaml", "config/debian.yaml", "packaging/systemd/otelcol-sessionlog.service"}

// writeArchives writes one for each platform: a zip for Windows, a tar for the others.
func (r *release) writeArchives() error {
	for _, p := range r.platforms {
		name := "otelcol-sessionlog_" + r.version + "_" + p.system + "_" + p.arch
		var files []packedFile
		for _, program := range programs {
			files = append(files, packedFile{name: path.Join(name, program+p.suffix()), from: r.program(p, program), mode: 0o755})
		}
		for _, file := range archiveFiles {
			files = append(files, packedFile{name: path.Join(name, file), from: filepath.Join(r.root, file), mode: 0o644})
		}
		write, end := r.writeTarGzip, ".tar.gz"
		if p.system == "windows" {
			write, end = r.writeZip, ".zip"
		}
		files = append(files, packedFile{name: path.Join(name, noticeFile), from: filepath.Join(r.workFolder, noticeFile), mode: 0o644})
		if err := writeFile(r.file("%s%s", name, end), func(out io.Writer) error { return write(out, files) }); err != nil {
			return err
		}
	}
	return nil
}

func writeFile(name string, write func(io.Writer) error) error {
	out, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(write(out), out.Close())
}

func (r *release) writeTarGzip(out io.Writer, files []packedFile) error {
	packed, err := gzip.NewWriterLevel(out, gzip.BestCompression)
	if err != nil {
		return err
	}
	return errors.Join(writeTar(packed, files, r.made), packed.Close())
}

// writeTar gives nothing a time of its own.
func writeTar(out io.Writer, files []packedFile, made time.Time) error {
	archive := tar.NewWriter(out)
	for _, file := range files {
		header := &tar.Header{Name: file.name, Mode: file.mode, Uid: file.user, Gid: file.user, ModTime: made, Format: tar.FormatPAX}
		if file.from == "" {
			header.Typeflag, header.Name = tar.TypeDir, file.name+"/"
			if err := archive.WriteHeader(header); err != nil {
				return err
			}
			continue
		}
		text, err := os.ReadFile(file.from)
		if err != nil {
			return err
		}
		header.Size = int64(len(text))
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
		if _, err := archive.Write(text); err != nil {
			return err
		}
	}
	return archive.Close()
}

func (r *release) writeZip(out io.Writer, files []packedFile) error {
	archive := zip.NewWriter(out)
	for _, file := range files {
		text, err := os.ReadFile(file.from)
		if err != nil {
			return err
		}
		header := &zip.FileHeader{Name: file.name, Method: zip.Deflate, Modified: r.made}
		header.SetMode(os.FileMode(file.mode))
		entry, err := archive.CreateHeader(header)
		if err != nil {
			return err
		}
		if _, err := entry.Write(text); err != nil {
			return err
		}
	}
	return archive.Close()
}
