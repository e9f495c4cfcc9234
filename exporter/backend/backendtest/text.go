package backendtest

import "strconv"

func formatInt[T int64 | uint32](n T) string { return strconv.FormatInt(int64(n), 10) }
