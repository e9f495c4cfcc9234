package journald

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// journalState is what is remembered of a journal, under one key.
type journalState struct {
	Cursor string `json:"cursor"`           // journald's, of the last entry that was delivered
	Parser []byte `json:"parser,omitempty"` // what the lines before it make known of connections
	Polled int64  `json:"polled"`           // when all that there was had been read, seconds since 1970 by this machine's clock
	Filter string `json:"filter"`           // which entries Cursor's is one of
}

const (
	stateKey = "journal"
	// saveEvery is how often Polled alone is worth a write, in seconds.
	saveEvery = int64(60)
)

func (r *journalReader) readState(ctx context.Context) error {
	text, err := r.host.Store.Get(ctx, stateKey)
	if err != nil {
		return fmt.Errorf("storage: %w", err)
	}
	r.parser = r.newParser()
	if text == nil {
		r.firstStart = true
		return nil
	}
	if err := json.Unmarshal(text, &r.state); err != nil {
		return fmt.Errorf("storage: key %s: %w", stateKey, err)
	}
	r.savedPolled = r.state.Polled
	return r.parser.Restore(0, r.state.Parser, false)
}

// cursorPart is one part of a cursor: "s=…;i=…;b=…;m=…;t=…;x=…".
func cursorPart(cursor, name string) string {
	for part := range strings.SplitSeq(cursor, ";") {
		if value, found := strings.CutPrefix(part, name+"="); found {
			return value
		}
	}
	return ""
}

func sameEntry(a, b string) bool {
	if a == b {
		return true
	}
	// A journal that was copied has other sequence numbers.
	for _, name := range [...]string{"b", "m", "t", "x"} {
		if v := cursorPart(a, name); v == "" || v != cursorPart(b, name) {
			return false
		}
	}
	return true
}

// cursorTime is when the entry was written, in seconds since 1970.
func cursorTime(cursor string) int64 {
	micros, _ := strconv.ParseInt(cursorPart(cursor, "t"), 16, 64)
	return micros / 1e6
}
