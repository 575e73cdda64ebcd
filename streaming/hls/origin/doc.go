// Package origin serves the mounts of a station by HLS: it keeps their lists up to date, and
// counts who plays them.
//
// A Manager has a Mount for each mount that is being asked for. A Mount is one goroutine: it
// follows what listeners of the mount hear (streaming.Follower), cuts that into segments
// (package hls), and shows a View of the list. It begins with the first request and ends when
// nobody has asked for a while, so that a mount that nobody plays by HLS costs nothing.
//
// One list goes on over reconnects of the source, fallbacks, moves and reloads. While nothing is
// heard it stands still, since players bear that and do not bear an error; it is ended when
// nothing came for graceTime, or when the source sends another codec.
//
// A mount with a rewind has a long list, too, of segments that are kept in memory or in files
// (package archive). It is served as long as there is a source, whether somebody asks or not.
//
// A mount that is relayed from a node with HLS of it is mirrored: the list and the files are those of
// that node, and this one cuts nothing. When what is heard comes from elsewhere, this node goes on with
// the next number; numbers lead back to the other list, too, when that is there again.
//
// A session is a listener of the engine without a connection. It lasts as long as its list is
// polled. The signed id of a session is in the address of the list, so it is valid after a
// restart, and from any address.
//
// All exported methods may be called from any goroutine.
package origin
