package sqlite

import (
	"crypto/sha256"

	"github.com/otel-sessionlog/sessionlog/session"
)

// contentHash tells versions of one record apart by the fields that Event.SameContent compares. It is only asked for where two
// versions differ, which is rare.
func contentHash(e *session.Event) [sha256.Size]byte { return sha256.Sum256(e.AppendContent(nil)) }
