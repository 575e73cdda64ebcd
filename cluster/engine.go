package cluster

import "errors"

// Engine carries messages between the nodes of one cluster, over a system that exists already.
// It belongs to one cluster alone. Any goroutine may call its methods, none of which waits for
// the network. An implementation passes the suite of package enginetest.
type Engine interface {
	// Publish sends a payload to all subscribers of a subject that are connected now, to those
	// of the sender as well. The messages of one sender arrive in their order, each at most
	// once. The subject is a word of ASCII letters. The payload is not used after the call.
	// ErrDisconnected: nothing is sent; ErrTooLong: the engine takes no payload of this length.
	Publish(subject string, payload []byte) error

	// Subscribe calls receive for each message of a subject, one at a time, until cancel is
	// called. A subscriber that is too slow misses messages. receive may keep the payload. A
	// subscription outlives the loss of a connection.
	Subscribe(subject string, receive func(payload []byte)) (cancel func(), err error)

	// IsConnected reports whether messages can be sent and received now, as far as is known.
	IsConnected() bool

	// OnConnection calls changed when IsConnected may have changed, until cancel is called.
	// changed must not wait.
	OnConnection(changed func()) (cancel func())
}

// Errors of an engine.
var (
	ErrDisconnected = errors.New("cluster: the engine is not connected; expected a connection")
	ErrTooLong      = errors.New("cluster: the message is too long for the engine; expected fewer mounts, or a larger limit of its messages")
)
