// Package tests tries caddycast from the outside: over real sockets, with the
// programs that people use. Nothing here knows the inside.
//
// Caddy runs within the test binary, so that the race detector sees all of it;
// what happens at the end of a process is tried with a binary built by xcaddy,
// as users build theirs. Programs that are missing fail the tests in CI; elsewhere
// their tests are skipped, loudly.
package tests
