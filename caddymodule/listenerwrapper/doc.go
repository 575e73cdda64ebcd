// Package listenerwrapper is the listener wrapper "icecast", between a socket and the HTTP server.
//
// Each accepted connection is a sniffer. On a plain port it inspects the head of each request. One
// that net/http reads as it is, with a host, passes unchanged. The head of an encoder with
// SHOUTcast v1, Icecast 1 or damaged HTTP, and that of anyone who names no host, is read to its
// end, answered if need be, and passed on as an HTTP request. A source that gave a password
// without HTTP gets an auth.Grant, which travels with the connection to the handler. Beneath TLS
// nothing is inspected; the wrapper only puts a cipher buffer there, so that listeners need no
// goroutine each.
//
// A sniffer belongs to the goroutine that serves its connection; only its stage is changed by others, when
// its configuration or the server ends. Accept never reads, so a silent peer delays nobody.
package listenerwrapper
