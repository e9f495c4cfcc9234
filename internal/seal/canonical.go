package seal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/otel-sessionlog/sessionlog/session"
)

var (
	errNotCanonical = errors.New("these are no canonical bytes of a record")
	// ErrNewerRecord is the error of a record that has fields that this program does not know yet.
	ErrNewerRecord = errors.New("the record has fields of a newer release, which can check it")
)

// ParseCanonical reads what session.Event.AppendCanonical has written.
func ParseCanonical(b []byte) (*session.Event, error) {
	e := &session.Event{}
	if len(b) == 0 || b[0] != e.AppendCanonical(nil)[0] {
		return nil, ErrNewerRecord
	}
	for rest := b[1:]; len(rest) > 0; {
		tag, n := binary.Uvarint(rest)
		if n <= 0 {
			return nil, errNotCanonical
		}
		value, after, ok := cutCounted(rest[n:])
		if !ok {
			return nil, errNotCanonical
		}
		i := slices.IndexFunc(session.Fields, func(f session.Field) bool { return f.Tag == tag })
		if i < 0 {
			return nil, ErrNewerRecord
		}
		if !setCanonicalValue(session.Fields[i].In(e), value) {
			return nil, errNotCanonical
		}
		if session.Fields[i].Name == "User" {
			e.UserEmpty = e.User == ""
		}
		rest = after
	}
	if !bytes.Equal(e.AppendCanonical(nil), b) {
		return nil, errNotCanonical
	}
	return e, nil
}

// cutCounted takes bytes off that follow their length.
func cutCounted(b []byte) (value, rest []byte, ok bool) {
	length, n := binary.Uvarint(b)
	if n <= 0 || length > uint64(len(b)-n) {
		return nil, nil, false
	}
	end := n + int(length) //nolint:gosec // not more than there are
	return b[n:end], b[end:], true
}

func setCanonicalValue(field any, value []byte) bool {
	switch v := field.(type) {
	case *string:
		*v = string(value)
		return true
	case *[]string:
		*v = append(*v, string(value))
		return true
	case *session.ID:
		return copy(v[:], value) == len(value)
	case *[16]byte:
		return copy(v[:], value) == len(value)
	case *[8]byte:
		return copy(v[:], value) == len(value)
	case *[]session.Setting:
		name, rest, ok := cutCounted(value)
		*v = append(*v, session.Setting{Name: string(name), Value: string(rest)})
		return ok
	case *[]session.Attr:
		if len(value) == 0 {
			return false
		}
		key, rest, ok := cutCounted(value[1:])
		*v = append(*v, session.Attr{Key: string(key), Value: string(rest), Type: session.AttrType(value[0])})
		return ok
	}
	return len(value) == 8 && setCanonicalNumber(field, int64(binary.BigEndian.Uint64(value))) //nolint:gosec // bits, not a number
}

// setCanonicalNumber cuts a number that is too large: it is not what the bytes say then, which ParseCanonical finds.
func setCanonicalNumber(field any, n int64) bool {
	switch v := field.(type) {
	case *int64:
		*v = n
	case *int32:
		*v = int32(n) //nolint:gosec // see above
	case *uint32:
		*v = uint32(n) //nolint:gosec // see above
	case *session.Kind:
		*v = session.Kind(n) //nolint:gosec // see above
	case *session.Outcome:
		*v = session.Outcome(n) //nolint:gosec // see above
	default:
		return false
	}
	return true
}
