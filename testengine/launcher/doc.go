// Command launcher runs a real ClickHouse server out of libchdb.so, for tests and the demo.
//
// The library holds the whole engine. Its chdb_query_cmdline is `clickhouse local`, and there SYSTEM START LISTEN TCP and HTTP open
// the server's own native and HTTP listeners: nothing is emulated. The launcher loads the library without cgo, prepares the few
// things that a server sets up and `clickhouse local` does not, and keeps it running until it is told to stop.
//
// It prints one line on standard output once both listeners answer:
//
//	ready pid=4711 native=127.0.0.1:40001 http=127.0.0.1:40002 version=26.7.3
//
// SIGTERM and SIGINT stop it cleanly; so does the end of standard input with -until-stdin-closes, which is how a server never
// outlives the test that started it, even one that was killed. The README of testengine says why each step is needed.
package main
