package sealing

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/otel-sessionlog/sessionlog/internal/seal"
	"github.com/otel-sessionlog/sessionlog/internal/seal/sealquery"
	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
)

// mostUnconfirmed is how many records may be remembered whose write had no known outcome: of more, any are forgotten.
const mostUnconfirmed = 1 << 17

// unconfirmedRecords are records whose write had no known outcome: those that are there, and as they were given, are sealed. One id may have been given in several
// versions. A file has them as soon as the journals that had them go.
type unconfirmedRecords struct {
	seed     seal.Seed // of those of this run, so that what is given again is the same version
	versions map[session.ID][]unconfirmedVersion
	changed  bool // since the file was written
}

type unconfirmedVersion struct {
	seed seal.Seed
	hash [16]byte
}

func newUnconfirmedRecords() unconfirmedRecords {
	return unconfirmedRecords{seed: seal.NewSeed(), versions: map[session.ID][]unconfirmedVersion{}}
}

func (u *unconfirmedRecords) remember(id session.ID, one unconfirmedVersion) {
	if slices.Contains(u.versions[id], one) {
		return
	}
	for other := range u.versions {
		if len(u.versions) < mostUnconfirmed {
			break
		}
		delete(u.versions, other)
	}
	u.versions[id], u.changed = append(u.versions[id], one), true
}

func (u *unconfirmedRecords) forget(id session.ID) {
	if _, known := u.versions[id]; known {
		delete(u.versions, id)
		u.changed = true
	}
}

// confirmedEntry is an entry of a row that is as one was given.
type confirmedEntry struct {
	seal.Entry
	of []unconfirmedVersion
}

// confirm reports whether it is the first to confirm these.
func (u *unconfirmedRecords) confirm(s *confirmedEntry) bool {
	before := len(u.versions[s.ID])
	u.versions[s.ID] = slices.DeleteFunc(u.versions[s.ID], func(one unconfirmedVersion) bool { return slices.Contains(s.of, one) })
	left := len(u.versions[s.ID])
	if left == 0 {
		delete(u.versions, s.ID)
	}
	u.changed = u.changed || left < before
	return left < before
}

// compareStored reads unconfirmed records, and makes an entry of each version that is there as it was given.
func compareStored(ctx context.Context, store query.Store, asked map[session.ID][]unconfirmedVersion, c *seal.Committer) (found []confirmedEntry, err error) {
	ids := slices.Collect(maps.Keys(asked))
	for _, from := range []struct {
		table string
		kind  seal.Kind
	}{{store.Table(), seal.KindEvent}, {store.TableNamed("session_conflicts"), seal.KindConflict}} {
		for stored, err := range sealquery.Records(ctx, store, from.table, ids) {
			if err != nil {
				return nil, err
			}
			s := confirmedEntry{}
			for _, one := range asked[stored.RecordID] {
				if seal.NewCommitter(one.seed).Entry(seal.KindEvent, stored).Hash == one.hash {
					s.of = append(s.of, one)
				}
			}
			if len(s.of) > 0 {
				s.Entry = c.Entry(from.kind, stored)
				found = append(found, s)
			}
		}
	}
	return found, nil
}

func unconfirmedPath(dir string) string { return filepath.Join(dir, "unconfirmed") }

const unconfirmedBytes = len(seal.Seed{}) + len(session.ID{}) + len(unconfirmedVersion{}.hash)

func (u *unconfirmedRecords) readFile(dir string) error {
	content, err := os.ReadFile(unconfirmedPath(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for ; len(content) >= unconfirmedBytes; content = content[unconfirmedBytes:] {
		seed, rest := content[:len(seal.Seed{})], content[len(seal.Seed{}):]
		u.remember(session.ID(rest[:16]), unconfirmedVersion{seal.Seed(seed), [16]byte(rest[16:32])})
	}
	return err
}

// writeFile replaces the file, where there is something new.
func (u *unconfirmedRecords) writeFile(dir string) error {
	if !u.changed {
		return nil
	}
	var content []byte
	for id, all := range u.versions {
		for _, one := range all {
			content = append(append(append(content, one.seed[:]...), id[:]...), one.hash[:]...)
		}
	}
	if err := replaceFile(unconfirmedPath(dir), content); err != nil {
		return err
	}
	u.changed = false
	return nil
}
