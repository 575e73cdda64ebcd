// Package icecastxml converts the configuration of Icecast 2 (2.4, 2.5 and Icecast-KH) to a
// Caddyfile with the same meaning.
//
//	icecast.xml → element (a tree with line numbers) → config (Icecast's types and defaults)
//	            → directive (a line of the Caddyfile, with its origin) → text
//
// The xml_*.go files read: each element is in a table there. The caddyfile_*.go files write.
// An ignored or differing element gives a Note, an invalid one a LineError; both have the
// line and the element, and an error says what is expected. No element is ignored silently,
// and no message contains a password.
//
// Convert is a pure function: it does no I/O except through isFile, keeps no state, and any
// goroutine may call it.
package icecastxml
