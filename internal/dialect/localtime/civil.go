package localtime

import "time"

// ParseDigits reads a text of decimal digits; the empty text is 0.
func ParseDigits(s string) (n int64, ok bool) {
	for i := range len(s) {
		d := s[i] - '0'
		if d > 9 || i >= 18 {
			return 0, false
		}
		n = n*10 + int64(d)
	}
	return n, true
}

// ParseCivil reads the 19 characters "YYYY-MM-DD hh:mm:ss", with a space or a T between, as seconds since 1970 of a clock without
// offset.
func ParseCivil(s string) (seconds int64, ok bool) {
	if len(s) != len(time.DateTime) {
		return 0, false
	}
	if s[10] == 'T' {
		return ParseLocal("2006-01-02T15:04:05", s)
	}
	return ParseLocal(time.DateTime, s)
}

// ParseFraction reads ".ffffff" of up to nine digits as nanoseconds, and returns what follows it. Without a dot it is 0.
func ParseFraction(s string) (nanos int64, rest string, ok bool) {
	if s == "" || s[0] != '.' && s[0] != ',' {
		return 0, s, true
	}
	n := 1
	for n < len(s) && n <= 9 && s[n]-'0' <= 9 {
		nanos = nanos*10 + int64(s[n]-'0')
		n++
	}
	if n == 1 {
		return 0, s, false
	}
	for i := n; i <= 9; i++ {
		nanos *= 10
	}
	return nanos, s[n:], true
}

// monthNumber is the number of the month with this English abbreviation, 0 for another text.
func monthNumber(s string) int64 {
	for m := time.January; m <= time.December; m++ {
		if m.String()[:3] == s {
			return int64(m)
		}
	}
	return 0
}
