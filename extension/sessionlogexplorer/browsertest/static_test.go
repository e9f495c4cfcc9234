package browsertest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	staticFolder = "../static"
	vendorFolder = staticFolder + "/vendor"
	mostZipped   = 60 << 10
)

// TestThePageIsSmall counts every file that any page loads.
func TestThePageIsSmall(t *testing.T) {
	total := 0
	require.NoError(t, filepath.WalkDir(staticFolder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(path, "LICENSES") || strings.HasSuffix(path, ".json") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var zipped bytes.Buffer
		w := gzip.NewWriter(&zipped)
		_, _ = w.Write(text)
		err = w.Close()
		total += zipped.Len()
		return err
	}))
	t.Logf("%d bytes, zipped", total)
	require.LessOrEqual(t, total, mostZipped)
}

// TestThePageIsFast takes the best of a few loads: the machine may have other things to do.
func TestThePageIsFast(t *testing.T) {
	p := openTab(t, collectorWithLogs(t).explorer, "/search?"+theDay, desktop)
	best := 1e9
	for range 3 {
		p.visit("/search?" + theDay)
		p.waitForRows(100)
		best = min(best, read[float64](p, `performance.getEntriesByName('first-contentful-paint')[0].startTime`))
	}
	t.Logf("first contentful paint after %.0f ms", best)
	require.Less(t, best, 1000.0)
}

type vendoredFile struct {
	Package     string `json:"package"`
	Version     string `json:"version"`
	From        string `json:"from"` // in the package
	File        string `json:"file"` // here
	SHA256      string `json:"sha256"`
	Licence     string `json:"licence"`
	LicenceFrom string `json:"licence_from"`
}

// TestVendoredFiles holds what others wrote against vendor.json. After a change of a version there, UPDATE_VENDOR=1 fetches it by npm pack.
func TestVendoredFiles(t *testing.T) {
	text, err := os.ReadFile(vendorFolder + "/vendor.json")
	require.NoError(t, err)
	var files []vendoredFile
	require.NoError(t, json.Unmarshal(text, &files))
	if os.Getenv("UPDATE_VENDOR") == "1" {
		updateVendored(t, files)
	}
	licences, err := os.ReadFile(vendorFolder + "/LICENSES")
	require.NoError(t, err)
	known := map[string]bool{"LICENSES": true, "vendor.json": true}
	for _, f := range files {
		content, err := os.ReadFile(filepath.Join(vendorFolder, f.File))
		require.NoError(t, err)
		sum := sha256.Sum256(content)
		require.Equal(t, f.SHA256, hex.EncodeToString(sum[:]), "%s is not that of %s %s: UPDATE_VENDOR=1 go test -run TestVendoredFiles ./extension/sessionlogexplorer/browsertest", f.File, f.Package, f.Version)
		require.Contains(t, string(licences), f.Package+" "+f.Version+" ("+f.Licence+")")
		known[f.File] = true
	}
	entries, err := os.ReadDir(vendorFolder)
	require.NoError(t, err)
	for _, entry := range entries {
		require.Contains(t, known, entry.Name(), "vendor.json does not say where it is from")
	}
}

func updateVendored(t *testing.T, files []vendoredFile) {
	t.Helper()
	var licences bytes.Buffer
	for i := range files {
		f := &files[i]
		content := packedFiles(t, f.Package+"@"+f.Version)
		require.Contains(t, content, f.From)
		require.NoError(t, os.WriteFile(filepath.Join(vendorFolder, f.File), content[f.From], 0o644))
		sum := sha256.Sum256(content[f.From])
		f.SHA256 = hex.EncodeToString(sum[:])
		licences.WriteString(f.Package + " " + f.Version + " (" + f.Licence + ")\n\n")
		licences.Write(content[f.LicenceFrom])
	}
	text, err := json.MarshalIndent(files, "", "  ")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(vendorFolder+"/vendor.json", append(text, '\n'), 0o644))
	require.NoError(t, os.WriteFile(vendorFolder+"/LICENSES", licences.Bytes(), 0o644))
}

// packedFiles are those of a package as npm's registry has it.
func packedFiles(t *testing.T, name string) map[string][]byte {
	t.Helper()
	pack := exec.CommandContext(t.Context(), "npm", "pack", "--silent", name)
	pack.Dir = t.TempDir()
	out, err := pack.Output()
	require.NoError(t, err)
	archive, err := os.Open(filepath.Join(pack.Dir, strings.TrimSpace(string(out))))
	require.NoError(t, err)
	defer func() { _ = archive.Close() }()
	zipped, err := gzip.NewReader(archive)
	require.NoError(t, err)
	files := map[string][]byte{}
	for r := tar.NewReader(zipped); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		require.NoError(t, err)
		files[strings.TrimPrefix(header.Name, "package/")], err = io.ReadAll(r)
		require.NoError(t, err)
	}
}
