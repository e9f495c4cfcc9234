package sessiontraceconnector

import (
	"time"

	"golang.org/x/sys/unix"
)

// worked is how long this thread has had a processor: on a busy machine, unlike the time of day, it says what work costs.
func worked() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		panic(err)
	}
	return time.Duration(t.Nano())
}
