// Package timebudget bounds how long a question may take, over the statements that it runs one after the other.
package timebudget

import (
	"context"
	"errors"
	"time"
)

// ErrTimeUp is the cause of a context whose question has had its time. A store hands it out as the error of the statement that it interrupts.
var ErrTimeUp = errors.New("the time of the question is up")

// Budget is the time that a question has left. The zero value is without end.
type Budget struct{ until time.Time }

// New is a budget of so much time from now on; 0 is without end.
func New(length time.Duration) Budget {
	if length <= 0 {
		return Budget{}
	}
	return Budget{time.Now().Add(length)}
}

// IsUnlimited reports whether the budget is without end.
func (b Budget) IsUnlimited() bool { return b.until.IsZero() }

// IsSpent reports whether the time is up.
func (b Budget) IsSpent() bool { return !b.IsUnlimited() && time.Now().After(b.until) }

// Rest is what is left, at least a nanosecond; 0 of a budget without end.
func (b Budget) Rest() time.Duration {
	if b.IsUnlimited() {
		return 0
	}
	return max(1, time.Until(b.until))
}

// Half is a budget of half of what is left.
func (b Budget) Half() Budget { return New(HalfOf(b.Rest())) }

// Most is a budget that leaves a quarter of what is left.
func (b Budget) Most() Budget { return New(MostOf(b.Rest())) }

// WithContext makes a context that is interrupted some time after the budget's end, with ErrTimeUp as its cause.
func (b Budget) WithContext(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	if b.IsUnlimited() {
		return ctx, func() {}
	}
	return context.WithDeadlineCause(ctx, b.until.Add(grace), ErrTimeUp)
}

// HalfOf leaves as much for what comes after; 0 stays without end.
func HalfOf(length time.Duration) time.Duration { return (length + 1) / 2 }

// MostOf leaves a quarter for what comes after; 0 stays without end.
func MostOf(length time.Duration) time.Duration { return length - length/4 }
