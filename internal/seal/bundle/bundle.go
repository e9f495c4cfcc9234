// Package bundle writes the proof of a record as files for somebody who has no access to the database, and reads them.
package bundle

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/otel-sessionlog/sessionlog/internal/seal"
	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
)

// The files of a bundle.
const (
	FileRecord     = "record.bin"
	FilePage       = "page.bin"
	FileInclusion  = "record.tlog-proof"
	FileRecordText = "record.json"
	FileReadme     = "README.txt"

	mostBundleBytes = 64 << 20 // of a file of a bundle: whoever made it is not trusted
)

type bundleFile struct {
	name    string
	content []byte
}

// Write makes a file that ends in .zip, or else a folder. One that is there is not overwritten.
func Write(path string, proof *seal.RecordProof) error {
	files, err := filesOf(proof)
	if err != nil {
		return err
	}
	if strings.HasSuffix(path, ".zip") {
		file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		return errors.Join(writeArchive(file, files), file.Close())
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		return err
	}
	for _, f := range files {
		if err := os.WriteFile(filepath.Join(path, f.name), f.content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// Zip is the archive that Write makes.
func Zip(proof *seal.RecordProof) ([]byte, error) {
	files, err := filesOf(proof)
	if err != nil {
		return nil, err
	}
	var content bytes.Buffer
	err = writeArchive(&content, files)
	return content.Bytes(), err
}

func writeArchive(to io.Writer, files []bundleFile) error {
	archive := zip.NewWriter(to)
	var err error
	for _, f := range files {
		w, createErr := archive.Create(f.name)
		if createErr == nil {
			_, createErr = w.Write(f.content)
		}
		err = errors.Join(err, createErr)
	}
	return errors.Join(err, archive.Close())
}

// RecordText is the record for people.
func RecordText(e *session.Event) string { return string(query.AppendEvent(nil, e)) + "\n" }

func filesOf(proof *seal.RecordProof) ([]bundleFile, error) {
	e, err := proof.ParseRecord()
	if err != nil {
		return nil, err
	}
	steps, err := proof.InclusionSteps()
	if err != nil {
		return nil, err
	}
	var readme strings.Builder
	if err := readmeTemplate.Execute(&readme, map[string]string{"Steps": strings.Join(steps, " ")}); err != nil {
		return nil, err
	}
	return []bundleFile{
		{FileRecord, proof.Record},
		{FilePage, proof.Page},
		{FileInclusion, proof.Inclusion},
		{FileRecordText, []byte(RecordText(e))},
		{FileReadme, []byte(readme.String())},
	}, nil
}

// Read reads one that anybody may have made, and what it says for people.
func Read(path string) (proof seal.RecordProof, record []byte, err error) {
	folder := os.DirFS(path)
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		archive, err := zip.OpenReader(path)
		if err != nil {
			return proof, nil, fmt.Errorf("%s: %w", path, err)
		}
		defer func() { _ = archive.Close() }()
		folder = archive
	}
	for name, content := range map[string]*[]byte{FileRecord: &proof.Record, FilePage: &proof.Page, FileInclusion: &proof.Inclusion, FileRecordText: &record} {
		if *content, err = readBundleFile(folder, name); err != nil {
			return proof, nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	return proof, record, nil
}

func readBundleFile(folder fs.FS, name string) ([]byte, error) {
	file, err := folder.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	content, err := io.ReadAll(io.LimitReader(file, mostBundleBytes+1))
	if err == nil && len(content) > mostBundleBytes {
		err = fmt.Errorf("%s is larger than any record's", name)
	}
	return content, err
}

// readmeTemplate has lines for a shell of POSIX. They write into the working folder.
var readmeTemplate = template.Must(template.New("").Parse(`This is a proof of one record of logins. record.json has it for people to read; what is proven is record.bin.

    sessionlog check FOLDER --key KEY

checks it all, without a database. The same with nothing of ours, in this folder; KEY is the public key, from whoever you trust with it:

1. The page has the hash of the record (prints 1):
     xxd -p page.bin | tr -d '\n' | grep -c "$(sha256sum record.bin | cut -c1-32)"

2. The page is in the tree whose root was signed (prints the same line twice):
     h=$( (printf '\000'; cat page.bin) | sha256sum | cut -c1-64); for s in {{.Steps}}; do case $s in L*) p=${s#L}$h;; R*) p=$h${s#R};; esac; h=$(printf 01$p | xxd -r -p | sha256sum | cut -c1-64); done; printf $h | xxd -r -p | base64; sed '1,/^$/d' record.tlog-proof | sed -n 3p

3. The key has signed that root (prints "Signature Verified Successfully", and when it was sealed):
     (printf 302a300506032b6570032100 | xxd -r -p; echo "$KEY" | cut -d+ -f3- | base64 -d | tail -c32) >key.der; tail -n1 record.tlog-proof | cut -d' ' -f3 | base64 -d >signature; tail -c64 signature >ed25519; t=$((0x$(xxd -s4 -l8 -p signature))); (printf 'cosignature/v1\ntime %s\n' $t; sed '1,/^$/d' record.tlog-proof | head -n3) >signed; openssl pkeyutl -verify -rawin -pubin -keyform DER -inkey key.der -in signed -sigfile ed25519; date -u -d @$t

record.bin: the record in tags, lengths and values, and 16 bytes. page.bin: entries of 33 bytes (41 where the first letter is small), each of a letter, a record's id (16 bytes) and the first half of the SHA-256 of its
record.bin. record.tlog-proof: c2sp.org/tlog-proof.
`))
