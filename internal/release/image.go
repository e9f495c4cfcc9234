package main

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// imageUser is nobody that a host has.
const imageUser = 65532

const (
	stateFolder = "var/lib/otelcol-sessionlog"
	imageConfig = "etc/otelcol-sessionlog/config.yaml"
	imageReader = "etc/otelcol-sessionlog/explorer.yaml"
)

// writeImage writes an OCI layout of an image for each platform of Linux: the programs, certificates of authorities, a configuration and a folder
// that the image's user may write into. No shell, no libraries.
func (r *release) writeImage() error {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, p := range r.platforms {
		if p.system != "linux" {
			continue
		}
		image, err := r.image(p)
		if err != nil {
			return err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add: image, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: p.system, Architecture: p.arch}},
		})
	}
	folder := filepath.Join(r.workFolder, "image")
	if err := os.RemoveAll(folder); err != nil {
		return err
	}
	path, err := layout.Write(folder, empty.Index)
	if err != nil {
		return err
	}
	if err := path.AppendIndex(index, layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": "localhost/otelcol-sessionlog:" + r.version})); err != nil {
		return err
	}
	return r.packLayout(folder)
}

func (r *release) image(p platform) (v1.Image, error) {
	content, err := r.imageContent(p)
	if err != nil {
		return nil, err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }, tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return nil, err
	}
	base := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	image, err := mutate.Append(base, mutate.Addendum{Layer: layer, MediaType: types.OCILayer, History: v1.History{Created: v1.Time{Time: r.made}, CreatedBy: "make release"}})
	if err != nil {
		return nil, err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Created = p.system, p.arch, v1.Time{Time: r.made}
	config.Config = v1.Config{
		User:       fmt.Sprintf("%d:%d", imageUser, imageUser),
		Entrypoint: []string{"/usr/bin/otelcol-sessionlog"},
		Cmd:        []string{"--config", "/" + imageConfig},
		Env:        []string{"PATH=/usr/bin", "STATE_DIRECTORY=/" + stateFolder},
		WorkingDir: "/" + stateFolder,
		Volumes:    map[string]struct{}{"/" + stateFolder: {}},
		ExposedPorts: map[string]struct{}{
			"4317/tcp": {}, "4318/tcp": {}, "8127/tcp": {}, "13133/tcp": {},
		},
		Labels: map[string]string{
			"org.opencontainers.image.title": "otelcol-sessionlog", "org.opencontainers.image.version": r.version,
			"org.opencontainers.image.source": "https://" + ourModules, "org.opencontainers.image.licenses": "Apache-2.0",
		},
	}
	return mutate.ConfigFile(image, config)
}

// firstImage finds a platform's image at any depth.
func firstImage(index v1.ImageIndex, p platform) (v1.Image, error) {
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	for _, entry := range manifest.Manifests {
		if entry.MediaType.IsIndex() {
			inner, err := index.ImageIndex(entry.Digest)
			if err != nil {
				return nil, err
			}
			return firstImage(inner, p)
		}
		if entry.Platform != nil && entry.Platform.OS == p.system && entry.Platform.Architecture == p.arch {
			return index.Image(entry.Digest)
		}
	}
	return nil, fmt.Errorf("the layout has no image for %s", p)
}

// imageContent is the image's one layer.
func (r *release) imageContent(p platform) ([]byte, error) {
	certificates := filepath.Join(r.workFolder, "ca-certificates.crt")
	if err := writeFile(certificates, writeCertificates); err != nil {
		return nil, err
	}
	accounts := filepath.Join(r.workFolder, "passwd")
	if err := os.WriteFile(accounts, fmt.Appendf(nil, "otelcol-sessionlog:x:%d:%[1]d::/%s:/none\n", imageUser, stateFolder), 0o600); err != nil {
		return nil, err
	}
	files := []packedFile{
		{"usr", "", 0o755, 0},
		{"usr/bin", "", 0o755, 0},
		{"usr/bin/otelcol-sessionlog", r.program(p, "otelcol-sessionlog"), 0o755, 0},
		{"usr/bin/sessionlog", r.program(p, "sessionlog"), 0o755, 0},
		{"usr/share", "", 0o755, 0},
		{"usr/share/doc", "", 0o755, 0},
		{"usr/share/doc/otelcol-sessionlog", "", 0o755, 0},
		{"usr/share/doc/otelcol-sessionlog/" + noticeFile, filepath.Join(r.workFolder, noticeFile), 0o644, 0},
		{"etc", "", 0o755, 0},
		{"etc/passwd", accounts, 0o644, 0},
		{"etc/ssl", "", 0o755, 0},
		{"etc/ssl/certs", "", 0o755, 0},
		{"etc/ssl/certs/ca-certificates.crt", certificates, 0o644, 0},
		{"etc/otelcol-sessionlog", "", 0o755, 0},
		{imageConfig, filepath.Join(r.root, "config", "container.yaml"), 0o644, 0},
		{imageReader, filepath.Join(r.root, "config", "container-explorer.yaml"), 0o644, 0},
		{"tmp", "", 0o1777, 0},
		{"var", "", 0o755, 0},
		{"var/lib", "", 0o755, 0},
		{stateFolder, "", 0o700, imageUser},
	}
	var content bytes.Buffer
	if err := writeTar(&content, files, r.made); err != nil {
		return nil, err
	}
	return content.Bytes(), nil
}

// writeCertificates writes Mozilla's authorities, those without conditions that a file of certificates cannot say.
func writeCertificates(out io.Writer) error {
	for root := range bundle.Roots() {
		if root.Constraint != nil {
			continue
		}
		if _, err := x509.ParseCertificate(root.Certificate); err != nil {
			return err
		}
		if err := pem.Encode(out, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}); err != nil {
			return err
		}
	}
	return nil
}

// packLayout makes one file of the layout, as image tools take it.
func (r *release) packLayout(folder string) error {
	var files []packedFile
	err := filepath.WalkDir(folder, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || name == folder {
			return err
		}
		inside, err := filepath.Rel(folder, name)
		if err != nil {
			return err
		}
		file := packedFile{name: filepath.ToSlash(inside), mode: 0o755}
		if !entry.IsDir() {
			file.from, file.mode = name, 0o644
		}
		files = append(files, file)
		return nil
	})
	if err != nil {
		return err
	}
	return writeFile(r.file("otelcol-sessionlog_%s_oci.tar", r.version), func(out io.Writer) error { return writeTar(out, files, r.made) })
}
