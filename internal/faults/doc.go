// Package faults is a campaign of random faults. Each run draws a source, a backend and a handful of faults from a printed seed, lets
// events arrive while the faults happen to a collector in a process of its own, and compares the table with a ledger of what
// arrived: nothing may be lost, doubled or altered. `make faults` runs many and can be resumed; `go test` runs a few.
package faults
