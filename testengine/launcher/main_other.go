//go:build !linux || !amd64

package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "launcher: the engine runs on Linux x86-64 only; point SESSIONLOG_TEST_CLICKHOUSE at a ClickHouse server instead")
	os.Exit(1)
}
