// Package harness runs Caddy with caddycast for black-box tests, and the sources,
// listeners and programs that talk to it over real sockets.
//
// Caddy runs inside the test process, so that the race detector sees all of it. There is
// one Caddy per process: tests of one package run one after the other, and those of
// several packages run side by side, each with its own storage folder (Storage) and its
// own range of ports (FreeAddress). What happens at the end of a process is tested with
// a program of package binary, which make binaries builds before any clock starts.
//
// A test begins with Start, connects a Source or NumberedSource and a Listener or
// VerifyingListener, and waits for conditions (Eventually), never for a time. Helpers
// that take a testing.TB fail that test and so run on its goroutine; a helper for other
// goroutines returns an error. A missing program fails the test in CI, and skips it
// loudly elsewhere.
package harness
