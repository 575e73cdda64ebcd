// Package icy implements ICY: SHOUTcast's in-band metadata, and the first lines by which
// encoders open a connection.
//
// A metadata block follows each metaint bytes of audio. It is one length byte, which counts
// units of 16 bytes, and a text padded with zeros:
//
//	StreamTitle='Artist - Title';StreamUrl='https://example.org/';
//
// Block writes blocks for listeners; Reader removes them from the stream of a source or an
// upstream. There is no specification, so reading is lenient and writing is strict: after
// Clean and Block no title can end its field early or carry control characters.
//
// Sniff classifies a connection by its first bytes, and FixHead makes an encoder's request
// valid HTTP. Apart from Reader, which belongs to one goroutine, all functions are pure.
package icy
