package fileimport

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
	"go.opentelemetry.io/collector/extension/xextension/storage"

	"github.com/otel-sessionlog/sessionlog/exporter/sessionlogexporter"
)

// importPurpose is what a state belongs to: for another instance, into another store, or of other files, nothing has been imported yet.
type importPurpose struct {
	Instance string   `json:"instance"`
	Store    string   `json:"store"`
	Files    []string `json:"files"` // with their folders; one that goes on may have more
}

func (p importPurpose) isContinuedBy(next importPurpose) bool {
	return p.Instance == next.Instance && p.Store == next.Store && slices.ContainsFunc(next.Files, func(file string) bool { return slices.Contains(p.Files, file) })
}

func (p importPurpose) String() string {
	more := ""
	if n := len(p.Files) - 1; n > 0 {
		more = fmt.Sprintf(" (and %d more)", n)
	}
	return fmt.Sprintf("%s%s of instance %q into %s", p.Files[0], more, p.Instance, p.Store)
}

// importState remembers in one file how far an import has come. Each change is on the disk when it returns.
type importState struct{ db *bbolt.DB }

var (
	stateBucket = []byte("import")
	purposeKey  = []byte("purpose")
)

// ErrOtherImport is the error of a state that belongs to an import of other files, of another instance or into another store.
var ErrOtherImport = errors.New("name another file")

// stateLockWait is how long another process that has the file is waited for.
const stateLockWait = time.Second

func openImportState(path string, purpose importPurpose) (*importState, error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: stateLockWait})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, fmt.Errorf("--state %s: another import uses this file: wait for it, or name another", path)
	case err != nil:
		return nil, fmt.Errorf("--state %s: %w: if this file is no state of an import, name another", path, err)
	}
	s := &importState{db}
	if err := s.checkPurpose(path, purpose); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

func (s *importState) checkPurpose(path string, purpose importPurpose) error {
	return s.db.Update(func(tx *bbolt.Tx) error {
		bucket, err := tx.CreateBucketIfNotExists(stateBucket)
		if err != nil {
			return err
		}
		if written := bucket.Get(purposeKey); written != nil {
			var known importPurpose
			if err := json.Unmarshal(written, &known); err != nil || len(known.Files) == 0 {
				return fmt.Errorf("--state %s: %w: this file is no state of an import: name another", path, cmp.Or(err, errors.New("it names no files")))
			}
			if !known.isContinuedBy(purpose) {
				return fmt.Errorf("--state %s: it is of an import of %s, not of %s: %w", path, known, purpose, ErrOtherImport)
			}
			purpose.Files = append(purpose.Files, known.Files...)
		}
		slices.Sort(purpose.Files)
		purpose.Files = slices.Compact(purpose.Files)
		text, err := json.Marshal(purpose)
		if err != nil {
			return err
		}
		return bucket.Put(purposeKey, text)
	})
}

func storeNameWithoutSecrets(cfg *sessionlogexporter.Config) string {
	switch {
	case cfg.ClickHouse.HasValue():
		c := cfg.ClickHouse.Get()
		return fmt.Sprintf("clickhouse %s %s.%s", c.FirstHost(), c.Database, c.TablePrefix)
	case cfg.PostgreSQL.HasValue():
		c := cfg.PostgreSQL.Get()
		return fmt.Sprintf("postgresql %s %s.%s.%s", c.FirstHost(), c.Database, c.Schema, c.TablePrefix)
	}
	path, prefix := "session_log.db", ""
	if c := cfg.SQLite.Get(); c != nil {
		path, prefix = c.Path, c.TablePrefix
	}
	if whole, err := filepath.Abs(path); err == nil {
		path = whole
	}
	return fmt.Sprintf("sqlite %s %s", path, prefix)
}

func (s *importState) Get(_ context.Context, key string) (value []byte, err error) {
	err = s.db.View(func(tx *bbolt.Tx) error {
		if found := tx.Bucket(stateBucket).Get([]byte(key)); found != nil {
			value = append([]byte{}, found...)
		}
		return nil
	})
	return value, err
}

func (s *importState) Set(ctx context.Context, key string, value []byte) error {
	return s.Batch(ctx, storage.SetOperation(key, value))
}

func (s *importState) Delete(ctx context.Context, key string) error {
	return s.Batch(ctx, storage.DeleteOperation(key))
}

func (s *importState) Batch(_ context.Context, operations ...*storage.Operation) error {
	return s.db.Update(func(tx *bbolt.Tx) error {
		bucket := tx.Bucket(stateBucket)
		for _, o := range operations {
			var err error
			switch o.Type {
			case storage.Get:
				o.Value = append([]byte(nil), bucket.Get([]byte(o.Key))...)
			case storage.Set:
				err = bucket.Put([]byte(o.Key), o.Value)
			case storage.Delete:
				err = bucket.Delete([]byte(o.Key))
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *importState) Close(context.Context) error { return s.db.Close() }
