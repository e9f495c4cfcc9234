package session

import (
	"crypto/sha256"
	"slices"
)

// redshiftFields are the fields that each of Redshift's views and files has, in the same words.
var redshiftFields = locateFields(slices.DeleteFunc(slices.Clone(fieldsOfContent), func(f Field) bool {
	return f.OfView || f.Name == "Time" || f.Name == "Extra"
}))

var timeTag, attributesTag = tagOfField("Time"), tagOfField("Extra")

// redshiftAttributes are the columns without a field that the shortest line of Redshift's audit log has too.
var redshiftAttributes = []string{
	SourceField + "remotehost", SourceField + "remoteport", SourceField + "username", SourceField + "duration", SourceField + "sslversion",
	SourceField + "mtu", SourceField + "sslcompression", SourceField + "sslexpansion", SourceField + "iamauthguid",
}

// ContentHash is the same for two records of one id exactly where they say the same, whenever they were read; where it differs, one of
// them may be forged. It is 16 bytes of SHA-256 over [Event.AppendContent].
//
// Of Redshift it covers what each of its views and files has of an event: the time in milliseconds, no field marked OfView in
// [Fields], and no attribute beyond the columns of the audit log's shortest line. docs/adr/0007 says what is given up by that.
func (e *Event) ContentHash(h *Hasher) [16]byte {
	if e.System == SystemRedshift {
		h.buf = e.appendRedshiftContent(h.buf[:0])
	} else {
		h.buf = e.AppendContent(h.buf[:0])
	}
	sum := sha256.Sum256(h.buf)
	h.buf = h.emptyBuffer()
	return [16]byte(sum[:16])
}

// ContentAndRecordHash is [Event.ContentHash], and the first 16 bytes of SHA-256 over [Event.AppendCanonical] and a nonce. The content, which is nearly
// all of a record, is walked and hashed once for both.
func (e *Event) ContentAndRecordHash(h *Hasher, nonce [16]byte) (content, record [16]byte) {
	if h.digest == nil {
		h.digest = sha256.New()
	}
	h.digest.Reset()
	h.buf = e.AppendContent(h.buf[:0])
	_, _ = h.digest.Write(h.buf) // never fails
	h.digest.Sum(h.sum[:0])
	content = [16]byte(h.sum[:16])
	h.buf = append(e.appendFields(h.buf[:0], readingFields), nonce[:]...)
	_, _ = h.digest.Write(h.buf)
	h.digest.Sum(h.sum[:0])
	record = [16]byte(h.sum[:16])
	if e.System == SystemRedshift {
		content = e.ContentHash(h)
	}
	h.buf = h.emptyBuffer()
	return content, record
}

func (e *Event) appendRedshiftContent(b []byte) []byte {
	var few [16]Attr
	shared := few[:0]
	for _, a := range e.Extra {
		if slices.Contains(redshiftAttributes, a.Key) {
			shared = append(shared, a)
		}
	}
	b = appendCanonicalNumber(e.appendFields(append(b, canonicalVersion), redshiftFields), timeTag, floorMillis(e.Time))
	return appendAttrs(b, attributesTag, shared)
}

func tagOfField(name string) uint64 {
	return Fields[slices.IndexFunc(Fields, func(f Field) bool { return f.Name == name })].Tag
}

func floorMillis(unixNano int64) int64 {
	ms := unixNano / 1e6
	if unixNano%1e6 < 0 {
		ms--
	}
	return ms
}

// ContentID is the id of an event that came without one: a hash of its content (see [Event.AppendContent]). The same record
// sent again has the same id; two true events that say the same of the same nanosecond would share one, so senders do better
// to give ids.
func (e *Event) ContentID(h *Hasher) ID {
	h.Start("content", e.System, e.Instance)
	h.buf = e.AppendContent(h.buf)
	return h.RecordID(e.Time)
}
