// Package icy speaks the metadata protocol that SHOUTcast began and every
// player still uses: each metaint bytes of audio are followed by a block of one
// length byte, counting units of 16 bytes, and a text padded with zeros:
//
//	StreamTitle='Artist - Title';StreamUrl='https://example.org/';
//
// Block writes such blocks for listeners, Reader takes them out of what a
// source or an upstream sends. Nothing was ever specified, so both are lenient
// in what they read and strict in what they write: Clean and Block make sure
// that no title can end its field early or carry control characters.
package icy
