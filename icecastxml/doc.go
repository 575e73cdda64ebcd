// Package icecastxml reads the configuration of Icecast 2, in the spellings of 2.4, 2.5 and
// Icecast-KH, and writes the Caddyfile that says the same.
//
//	icecast.xml → element (a tree with line numbers) → config (types and defaults of Icecast)
//	            → directive (what stands in a Caddyfile, and which line it comes from) → text
//
// Every element is in one of the tables of the read*.go files. What has no meaning here is a
// Note, what is wrong a LineError; both name the line. Nothing is passed over in silence, and
// nothing is said that was secret.
package icecastxml
