//go:build !linux

package sessiontraceconnector

import "time"

var began = time.Now()

func worked() time.Duration { return time.Since(began) }
