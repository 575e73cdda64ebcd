// Bench loads caddycast, Debian's icecast2 and any other server that speaks
// Icecast's protocol with sources and listeners, and prints what each costs.
//
//	go run ./tests/bench -run 'steady-1000$' -servers caddycast,icecast2
//
// A source sends numbered frames; up to 18,000 listeners are played by one
// thread, and each of them compares every byte with what was sent (at gigabits a
// second one in eight does, and the others count). Servers take
// turns within a round, so that they meet the machine in the same mood. All of it
// runs in a network namespace of its own, the server alone on core 0, sources and
// listeners on core 1. CPU, memory and delays are taken during a window, after
// things have settled: see run.go. What is run is a table in scenario.go.
//
// Another server needs a template of its configuration and a command:
//
//	go run ./tests/bench -server kh='icecast-kh -c {{.Config}}' -template kh=kh.xml -servers kh,icecast2
//
// The fields that a template may use are those of the type settings.
package main
