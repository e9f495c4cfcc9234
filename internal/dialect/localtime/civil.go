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
	if len(s) != 19 || s[4] != '-' || s[7] != '-' || s[10] != ' ' && s[10] != 'T' {
		return 0, false
	}
	year, ok1 := ParseDigits(s[0:4])
	month, ok2 := ParseDigits(s[5:7])
	date, ok3 := ParseDigits(s[8:10])
	if !ok1 || !ok2 || !ok3 {
		return 0, false
	}
	return civilFromParts(year, month, date, s[11:])
}

func civilFromParts(year, month, date int64, clock string) (seconds int64, ok bool) {
	if len(clock) != 8 || clock[2] != ':' || clock[5] != ':' {
		return 0, false
	}
	hour, ok1 := ParseDigits(clock[0:2])
	minute, ok2 := ParseDigits(clock[3:5])
	second, ok3 := ParseDigits(clock[6:8])
	t := time.Date(int(year), time.Month(month), int(date), int(hour), int(minute), int(second), 0, time.UTC)
	if !ok1 || !ok2 || !ok3 || hour > 23 || minute > 59 || second > 59 || int64(t.Month()) != month || int64(t.Day()) != date {
		return 0, false
	}
	return t.Unix(), true
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
