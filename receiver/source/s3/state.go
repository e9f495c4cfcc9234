package s3

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/otel-sessionlog/sessionlog/receiver/source/awslogs"
	"github.com/otel-sessionlog/sessionlog/receiver/source/overlap"
)

// prefixState is what is remembered of a prefix, under one key of the store: so no part of it is ever without the others.
type prefixState struct {
	Floor   int64             `json:"floor"`             // objects whose LastModified is before were read, or are not wanted
	Seen    []byte            `json:"seen,omitempty"`    // objects since then that were read
	Listing *keyListing       `json:"listing,omitempty"` // that is under way
	Object  *objectPosition   `json:"object,omitempty"`  // that is being read
	Formats map[string][]byte `json:"formats,omitempty"` // what parsers know from one object to the next, by server and format
}

// keyListing goes through the keys of a prefix.
type keyListing struct {
	Whole bool   `json:"whole,omitempty"` // from the first key on; others begin at those of the overlap
	After string `json:"after,omitempty"` // keys up to this one are done
	// Floor is that of the prefix once a whole listing is over: what is older and not listed by then comes too late.
	Floor int64 `json:"floor,omitempty"`
	// Failed says that an object could not be read: after a restart the listing starts again, for the configuration may be another one.
	Failed bool `json:"failed,omitempty"`

	firstRecent string // the first key of the overlap
	last        string // key that is to be read
}

type objectPosition struct {
	Key    string `json:"key"`
	ETag   string `json:"etag"`
	Format string `json:"format,omitempty"`
	Plain  bool   `json:"plain,omitempty"`  // it is not compressed
	Anchor int64  `json:"anchor,omitempty"` // where a parser must start, in bytes of its text
	Next   int64  `json:"next,omitempty"`   // the first record that was not delivered
	State  []byte `json:"state,omitempty"`  // what the parser must know at Anchor
}

type objectPrefix struct {
	name string

	isNew    bool // nothing is remembered
	floor    int64
	seen     overlap.SeenItems
	seenFrom int64 // objects before were forgotten because there were too many
	listing  *keyListing
	position *objectPosition // of an object that was not read to its end
	formats  map[string]*awslogs.TextParser

	reading   *objectReading    // that goes on
	changed   bool              // since the state was submitted
	turnBytes int               // read since the other prefixes had their turn
	recentKey string            // listings that are not whole begin after it
	listedAt  time.Time         // when the last whole listing began
	lastRead  time.Time         // when an object was read
	faults    int               // objects in a row that could not be read
	replaced  map[string]string // ETags, by key, of objects that were other ones when they were asked for
}

func (p *objectPrefix) storageKey() string { return "prefix." + p.name }

// maxSeenObjects bounds the memory and the stored state of a prefix: some 1.3 MB, and 330 KB.
const maxSeenObjects = 1 << 15

func (p *objectPrefix) noteRead(o *objectInfo) {
	p.seen.Add(o.contentID(), o.modified)
	if p.seen.Len() > maxSeenObjects { // by half, so that it is not sorted for each object
		p.seenFrom = max(p.seenFrom, p.seen.Forget(0, maxSeenObjects/2))
	}
	p.position, p.reading, p.changed = nil, nil, true
	delete(p.replaced, o.key)
}

// maxReplaced bounds the memory of objects that are deleted before they are read.
const maxReplaced = 1 << 12

func (p *objectPrefix) noteReplaced(o *objectInfo) bool {
	if p.replaced[o.key] == o.etag {
		return false
	}
	if p.replaced == nil || len(p.replaced) >= maxReplaced {
		p.replaced = map[string]string{}
	}
	p.replaced[o.key] = o.etag
	return true
}

func (p *objectPrefix) encodeState() []byte {
	state := prefixState{Floor: p.floor, Seen: p.seen.Encode(), Listing: p.listing, Object: p.position, Formats: map[string][]byte{}}
	for name, f := range p.formats {
		if f.Shared.InUse() {
			state.Formats[name] = f.Parser.ResumeState()
		}
	}
	text, _ := json.Marshal(state) // bytes, texts and numbers always can
	p.changed = false
	return text
}

func (p *objectPrefix) restoreState(stored []byte, newParser func(key string) (*awslogs.TextParser, error)) error {
	p.formats, p.isNew = map[string]*awslogs.TextParser{}, stored == nil
	if p.isNew {
		return nil
	}
	var state prefixState
	err := json.Unmarshal(stored, &state)
	if err == nil {
		p.seen, err = overlap.Decode(state.Seen)
	}
	for key, known := range state.Formats {
		if err != nil {
			break
		}
		var f *awslogs.TextParser
		if f, err = newParser(key); err == nil {
			err = f.Parser.Restore(0, known, true)
			p.formats[key] = f
		}
	}
	if err != nil {
		return fmt.Errorf("%w: key %s: %w", awslogs.ErrStorage, p.storageKey(), err)
	}
	p.floor, p.listing, p.position = state.Floor, state.Listing, state.Object
	if p.listing != nil && p.listing.Failed {
		p.listing.After, p.listing.Failed = "", false
	}
	return nil
}
