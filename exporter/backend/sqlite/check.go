package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/otel-sessionlog/sessionlog/internal/connectcheck"
)

// CheckConnection looks at the file, the right to write it, the room on its disk, its schema and its soundness. It changes nothing.
func (cfg Config) CheckConnection(ctx context.Context) (findings []connectcheck.Finding) {
	linked := cfg.followLink()
	info, err := os.Stat(cfg.Path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return cfg.checkFolder()
	case linked != nil || err != nil || !info.Mode().IsRegular():
		return append(findings, connectcheck.Finding{
			Subject: "file", Detail: fmt.Sprintf("%q is no file that can be read", cfg.Path), Key: "path",
			Remedy: "name a file in a folder that this user may write, such as /var/lib/otelcol-sessionlog/session_log.db",
		})
	}
	findings = append(findings, connectcheck.Finding{OK: true, Subject: "file", Detail: fmt.Sprintf("%q has %d bytes", cfg.Path, info.Size())}, cfg.checkWritable())
	findings = append(findings, checkSpace(filepath.Dir(cfg.Path))...)
	conn, err := sqlite.OpenConn(cfg.Path, sqlite.OpenReadOnly)
	if err != nil {
		return append(findings, connectcheck.Finding{Subject: "database", Detail: cfg.explainError("opening", err).Error(), Key: "path", Remedy: "put a backup in its place, or choose another path"})
	}
	defer conn.Close()
	conn.SetInterrupt(ctx.Done())
	conn.SetBusyTimeout(min(cfg.BusyTimeout, time.Second))
	return append(findings, cfg.checkSoundness(conn), cfg.checkSchema(conn))
}

func (cfg Config) checkFolder() []connectcheck.Finding {
	folder := filepath.Dir(cfg.Path)
	nearest, writable := connectcheck.NearestFolder(folder)
	if writable {
		there := connectcheck.Finding{OK: true, Subject: "file", Detail: fmt.Sprintf("%q is not there; it is made at start", cfg.Path)}
		return append([]connectcheck.Finding{there}, checkSpace(nearest)...)
	}
	return []connectcheck.Finding{{
		Subject: "file", Detail: fmt.Sprintf("%q is not there, and this user may make no file in %q", cfg.Path, nearest), Key: "path",
		Remedy: connectcheck.MakeFolder(folder) + ", or choose another path",
	}}
}

// leastSpace is where a disk is called full: SQLite needs room for its journal beside that for the records.
const leastSpace = 64 << 20

// checkSpace says how much may still be written beside the file; nothing where that is not known.
func checkSpace(dir string) []connectcheck.Finding {
	free, known := freeBytes(dir)
	if !known {
		return nil
	}
	f := connectcheck.Finding{OK: free >= leastSpace, Subject: "free disk", Detail: fmt.Sprintf("%d MiB", free>>20)}
	if !f.OK {
		f.Key, f.Remedy = "path", "free some space on the disk, set ttl, or name a file on another one"
	}
	return []connectcheck.Finding{f}
}

func (cfg Config) checkWritable() connectcheck.Finding {
	for _, path := range []string{cfg.Path, filepath.Dir(cfg.Path)} {
		if !connectcheck.IsWritable(path) {
			return connectcheck.Finding{
				Subject: "right to write", Detail: fmt.Sprintf("this user may not write %q", path), Key: "path",
				Remedy: connectcheck.GiveToService(path),
			}
		}
	}
	return connectcheck.Finding{OK: true, Subject: "right to write", Detail: "the file and its folder can be written"}
}

func (cfg Config) checkSoundness(conn *sqlite.Conn) connectcheck.Finding {
	damage, err := quickCheck(conn)
	if err != nil {
		return connectcheck.Finding{Subject: "database", Detail: cfg.explainError("checking the file", err).Error(), Key: "path", Remedy: "try again when nothing else holds it"}
	}
	if damage != "" {
		return connectcheck.Finding{Subject: "database", Detail: damage, Key: "path", Remedy: "put a backup in its place, or move the file away and a new one is made"}
	}
	return connectcheck.Finding{OK: true, Subject: "database", Detail: "PRAGMA quick_check says ok"}
}

func (cfg Config) checkSchema(conn *sqlite.Conn) connectcheck.Finding {
	version, err := cfg.schemaVersion(conn)
	detail := fmt.Sprintf("version %d of %d", version, len(allMigrations))
	switch {
	case err != nil:
		return connectcheck.Finding{Subject: "schema", Detail: err.Error(), Key: "path", Remedy: "use the program that made it, or another path"}
	case version < int64(len(allMigrations)) && !cfg.CreateSchema:
		return connectcheck.Finding{Subject: "schema", Detail: detail, Key: "create_schema", Remedy: "set create_schema: true, or run the files of migrations/ that are missing"}
	}
	return connectcheck.Finding{OK: true, Subject: "schema", Detail: detail}
}
