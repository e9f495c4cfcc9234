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

// mostDoubtful is how many records may be remembered whose write had no known outcome: of more, any are forgotten.
const mostDoubtful = 1 << 17

// doubtfulRecords are records whose write had no known outcome: those that are there, and as they were told, are sealed. One id may have been told in several
// versions. A file has them as soon as the journals that had them go.
type doubtfulRecords struct {
	seed    seal.Seed // of those of this run, so that what is told again is the same doubt
	told    map[session.ID][]doubtfulVersion
	changed bool // since the file was written
}

type doubtfulVersion struct {
	seed seal.Seed
	hash [16]byte
}

func newDoubts() doubtfulRecords {
	return doubtfulRecords{seed: seal.NewSeed(), told: map[session.ID][]doubtfulVersion{}}
}

func (d *doubtfulRecords) remember(id session.ID, one doubtfulVersion) {
	if slices.Contains(d.told[id], one) {
		return
	}
	for other := range d.told {
		if len(d.told) < mostDoubtful {
			break
		}
		delete(d.told, other)
	}
	d.told[id], d.changed = append(d.told[id], one), true
}

func (d *doubtfulRecords) forget(id session.ID) {
	if _, known := d.told[id]; known {
		delete(d.told, id)
		d.changed = true
	}
}

// settledDoubt is an entry of a row that is as one was told.
type settledDoubt struct {
	seal.Entry
	of []doubtfulVersion
}

// settle tells whether it is the first to settle these.
func (d *doubtfulRecords) settle(s *settledDoubt) bool {
	before := len(d.told[s.ID])
	d.told[s.ID] = slices.DeleteFunc(d.told[s.ID], func(one doubtfulVersion) bool { return slices.Contains(s.of, one) })
	left := len(d.told[s.ID])
	if left == 0 {
		delete(d.told, s.ID)
	}
	d.changed = d.changed || left < before
	return left < before
}

// compareStored reads doubtful records, and makes an entry of each version that is there as it was told.
func compareStored(ctx context.Context, store query.Store, asked map[session.ID][]doubtfulVersion, c *seal.Committer) (found []settledDoubt, err error) {
	ids := slices.Collect(maps.Keys(asked))
	for _, from := range []struct {
		table string
		kind  seal.Kind
	}{{store.Table(), seal.KindEvent}, {store.TableNamed("session_conflicts"), seal.KindConflict}} {
		for stored, err := range sealquery.Records(ctx, store, from.table, ids) {
			if err != nil {
				return nil, err
			}
			s := settledDoubt{}
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

func doubtsPath(dir string) string { return filepath.Join(dir, "doubts") }

const doubtBytes = len(seal.Seed{}) + len(session.ID{}) + len(doubtfulVersion{}.hash)

func (d *doubtfulRecords) readFile(dir string) error {
	content, err := os.ReadFile(doubtsPath(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for ; len(content) >= doubtBytes; content = content[doubtBytes:] {
		seed, rest := content[:len(seal.Seed{})], content[len(seal.Seed{}):]
		d.remember(session.ID(rest[:16]), doubtfulVersion{seal.Seed(seed), [16]byte(rest[16:32])})
	}
	return err
}

// writeFile replaces the file, where there is something new.
func (d *doubtfulRecords) writeFile(dir string) error {
	if !d.changed {
		return nil
	}
	var content []byte
	for id, all := range d.told {
		for _, one := range all {
			content = append(append(append(content, one.seed[:]...), id[:]...), one.hash[:]...)
		}
	}
	if err := replaceFile(doubtsPath(dir), content); err != nil {
		return err
	}
	d.changed = false
	return nil
}
