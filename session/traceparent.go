package session

import "encoding/hex"

// ParseTraceparent reads a W3C traceparent (Trace Context, level 1): 2 digits version, 32 trace id, 16 span id, 2 flags, lower-case
// all of them. A later version may have more after the flags. ok is false where s is not one, or has an id of zeros.
func ParseTraceparent(s string) (traceID [16]byte, spanID [8]byte, ok bool) {
	if len(s) < 55 || s[2] != '-' || s[35] != '-' || s[52] != '-' || s[:2] == "ff" || len(s) > 55 && (s[:2] == "00" || s[55] != '-') {
		return [16]byte{}, [8]byte{}, false
	}
	var version, flags [1]byte
	ok = DecodeHex(version[:], s[:2]) && DecodeHex(traceID[:], s[3:35]) && DecodeHex(spanID[:], s[36:52]) && DecodeHex(flags[:], s[53:55])
	if !ok || traceID == [16]byte{} || spanID == [8]byte{} {
		return [16]byte{}, [8]byte{}, false
	}
	return traceID, spanID, true
}

// DecodeHex fills to, of 16 bytes at most, from lower-case hexadecimal digits, as trace and span ids are written.
func DecodeHex(to []byte, s string) bool {
	if len(s) != 2*len(to) {
		return false
	}
	for i := range len(s) {
		if s[i] >= 'A' && s[i] <= 'F' {
			return false
		}
	}
	var buf [32]byte
	_, err := hex.Decode(to, append(buf[:0], s...))
	return err == nil
}
