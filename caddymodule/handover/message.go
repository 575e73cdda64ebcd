package handover

import "github.com/caddycast/caddycast/streaming"

// Kind is what a message is about.
type Kind string

// The kinds of messages, in the order in which they come.
const (
	Socket    Kind = "socket"    // asks for, or has, the listening socket at Address
	Streams   Kind = "streams"   // asks for the streams, which stand still from here on
	Node      Kind = "node"      // the id that Station has as a node of a cluster is ID
	Mount     Kind = "mount"     // a mount of Station, and its connection
	Listener  Kind = "listener"  // a listener of Station, and its connection; also after Commit and Committed
	End       Kind = "end"       // all were sent
	Commit    Kind = "commit"    // the newer process has all of it
	Committed Kind = "committed" // the older process has released it

	// Connection is a connection of Address, of which Ahead was read, and which nobody has answered. It comes
	// after Committed.
	Connection Kind = "connection"
)

// Message is one message. A Kind uses some of its fields.
type Message struct {
	Kind     Kind
	Address  string                   `json:",omitempty"`
	Station  string                   `json:",omitempty"`
	ID       string                   `json:",omitempty"`
	Mount    *streaming.MountState    `json:",omitempty"`
	Listener *streaming.ListenerState `json:",omitempty"`
	Ahead    []byte                   `json:",omitempty"`
}

// hasFile reports whether a descriptor may come beside the message.
func (m *Message) hasFile() bool {
	return m.Kind == Socket || m.Kind == Mount || m.Kind == Listener || m.Kind == Connection
}
