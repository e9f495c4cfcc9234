package session

import (
	"math"
	"testing"
	"time"
)

func TestOutcomesInAnySpelling(t *testing.T) {
	for text, want := range map[string]Outcome{
		"success": OutcomeSuccess, "Success": OutcomeSuccess, "SUCCESS": OutcomeSuccess, "succeeded": OutcomeSuccess, "ok": OutcomeSuccess, "OK": OutcomeSuccess,
		"Allow": OutcomeSuccess, "ALLOWED": OutcomeSuccess, "true": OutcomeSuccess, "granted": OutcomeSuccess, "yes": OutcomeSuccess, "LoginSuccess": OutcomeSuccess,
		"LOGIN_SUCCEEDED": OutcomeSuccess, "access granted": OutcomeSuccess, "Outcome.SUCCESS": OutcomeSuccess, " success ": OutcomeSuccess, "no error": OutcomeSuccess,
		"failure": OutcomeFailure, "FAILURE": OutcomeFailure, "Failed": OutcomeFailure, "fail": OutcomeFailure, "denied": OutcomeFailure, "DENY": OutcomeFailure,
		"false": OutcomeFailure, "no": OutcomeFailure, "No": OutcomeFailure, "not allowed": OutcomeFailure, "NOT_SUCCESSFUL": OutcomeFailure, "AccessDenied": OutcomeFailure,
		"LOGIN_FAILED": OutcomeFailure, "error": OutcomeFailure, "rejected": OutcomeFailure, "blocked": OutcomeFailure, "locked_out": OutcomeFailure,
		"unauthorized": OutcomeFailure, "invalid credentials": OutcomeFailure, "success: false": OutcomeFailure, "unsuccessful": OutcomeFailure,
		"declined": OutcomeFailure, "Cancelled": OutcomeFailure, "canceled": OutcomeFailure, "timed_out": OutcomeFailure, "TimedOut": OutcomeFailure, "bad password": OutcomeFailure,
		"LOCKOUT": OutcomeFailure, "account suspended": OutcomeFailure, "password mismatch": OutcomeFailure, "NOK": OutcomeFailure,
		"user not found, access denied": OutcomeFailure, "no such user: rejected": OutcomeFailure, "not found (invalid)": OutcomeFailure,
		"MFA not satisfied - denied": OutcomeFailure, "NOT_FOUND_DENIED": OutcomeFailure, "not yet allowed": OutcomeFailure,
		"": OutcomeUnknown, "unknown": OutcomeUnknown, "challenge": OutcomeUnknown, "pending": OutcomeUnknown, "7": OutcomeUnknown, "-": OutcomeUnknown,
		"a sentence of many words about a success": OutcomeUnknown, "successor": OutcomeUnknown,
	} {
		if got := OutcomeOf(text); got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
	if n := testing.AllocsPerRun(100, func() { OutcomeOf("LOGIN_FAILED"); OutcomeOf("Succeeded") }); n != 0 {
		t.Errorf("%g allocations", n)
	}
}

func TestATimesUnitIsToldByItsMagnitude(t *testing.T) {
	for _, at := range []time.Time{
		time.Date(1974, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 11, 22, 2, 21, 16, 0, time.UTC), time.Date(2127, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		for _, n := range []int64{at.Unix(), at.UnixMilli(), at.UnixMicro(), at.UnixNano()} {
			if got, ok := Nanoseconds(n); !ok || got != at.UnixNano() {
				t.Errorf("%d is %d, %t, want %d", n, got, ok, at.UnixNano())
			}
		}
	}
	for _, n := range []int64{math.MinInt64, -1, 0, 1, 7_000_000_000, 99_999_999, 6_000_000_000_000, 6_000_000_000_000_000} {
		if got, ok := Nanoseconds(n); ok {
			t.Errorf("%d is taken for %s", n, time.Unix(0, got))
		}
	}
	if got, ok := Nanoseconds(math.MaxInt64); !ok || got != math.MaxInt64 {
		t.Errorf("the latest nanosecond is %d, %t", got, ok)
	}
}
