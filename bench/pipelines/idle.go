//go:build linux

package main

import (
	"context"
	"time"
)

// idleSource is the quick start, which has nothing to do once it has read its examples.
const idleSource = "idle"

// idleTime is how long the collector is left alone before it is measured, and while it is.
const idleTime = time.Minute

// measureIdle gives what is resident after the first minute, and the processor time of the second.
func (a *attempt) measureIdle(ctx context.Context) (result measurement, err error) {
	quiet := a.collectors[0]
	if err := sleep(ctx, idleTime); err != nil {
		return result, err
	}
	before, err := cpuSeconds(quiet.ID())
	if err != nil {
		return result, err
	}
	if result.peak, err = statusMegabytes(quiet.ID(), "VmRSS:"); err != nil {
		return result, err
	}
	if err := sleep(ctx, idleTime); err != nil {
		return result, err
	}
	after, err := cpuSeconds(quiet.ID())
	result.collectorCPU = after - before
	return result, err
}
