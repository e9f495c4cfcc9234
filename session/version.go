package session

// VersionParts splits a version of the form major.minor.patch, as ClickHouse clients report it. Any other text, which
// only foreign clients have, gives three zeros.
func VersionParts(s string) (parts [3]uint32) {
	var out [3]uint32
	n, digits := 0, 0
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= '0' && c <= '9':
			v := uint64(out[n])*10 + uint64(c-'0')
			if digits++; v > 1<<32-1 || digits > 10 {
				return parts
			}
			out[n] = uint32(v)
		case c == '.' && digits > 0 && n < 2:
			n, digits = n+1, 0
		default:
			return parts
		}
	}
	if n != 2 || digits == 0 {
		return parts
	}
	return out
}
