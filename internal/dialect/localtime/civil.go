package localtime

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
	return CivilFromParts(year, month, date, s[11:])
}

// CivilFromParts is [ParseCivil] of a date in numbers and a time of day "hh:mm:ss".
func CivilFromParts(year, month, date int64, clock string) (seconds int64, ok bool) {
	if len(clock) != 8 || clock[2] != ':' || clock[5] != ':' {
		return 0, false
	}
	hour, ok1 := ParseDigits(clock[0:2])
	minute, ok2 := ParseDigits(clock[3:5])
	second, ok3 := ParseDigits(clock[6:8])
	if !ok1 || !ok2 || !ok3 || month < 1 || month > 12 || date < 1 || date > daysInMonth(year, month) || hour > 23 || minute > 59 || second > 59 {
		return 0, false
	}
	return (daysSince1970(year, month, date)*24+hour)*3600 + minute*60 + second, true
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

// MonthNumber is the number of the month with this English abbreviation, 0 for another text.
func MonthNumber(s string) int64 {
	switch s {
	case "Jan":
		return 1
	case "Feb":
		return 2
	case "Mar":
		return 3
	case "Apr":
		return 4
	case "May":
		return 5
	case "Jun":
		return 6
	case "Jul":
		return 7
	case "Aug":
		return 8
	case "Sep":
		return 9
	case "Oct":
		return 10
	case "Nov":
		return 11
	case "Dec":
		return 12
	}
	return 0
}

func isLeapYear(year int64) bool { return year%4 == 0 && (year%100 != 0 || year%400 == 0) }

func daysInMonth(year, month int64) int64 {
	if month == 2 && isLeapYear(year) {
		return 29
	}
	return [13]int64{0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}[month]
}

var daysBeforeMonth = [13]int64{0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334}

func daysSince1970(year, month, date int64) int64 {
	past := year - 1 // whole years of the Gregorian calendar since year 1
	days := past*365 + past/4 - past/100 + past/400 + daysBeforeMonth[month] + date - 1
	if month > 2 && isLeapYear(year) {
		days++
	}
	return days - 719162 // 1970-01-01
}
