package cluster

import (
	"context"
	"errors"
	"time"
)

// KeyAge is after which time a key of an engine is gone that nobody has set again.
const KeyAge = time.Hour

// Engine carries messages between the nodes of one cluster and keeps what they have in common, over
// a system that exists already. It belongs to one cluster alone. Any goroutine may call its methods.
// None of them waits for the network but Get and CompareAndSet, which return at the latest when
// their context ends. An implementation passes the suite of package enginetest.
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

	// Get returns the value of a key, and its revision, which is another one after each change and
	// 0 if there is none. A key is a word of up to 64 ASCII letters and digits. The value may be an
	// older one; CompareAndSet with its revision then fails. ErrDisconnected: the system is away;
	// ErrNoKeys: it keeps no keys.
	Get(ctx context.Context, key string) (value []byte, revision uint64, err error)

	// CompareAndSet sets a key whose revision is the given one, and returns the new revision. Of
	// several calls with one revision at most one succeeds, wherever they are made. The value is
	// kept for KeyAge, unless the system restarts. ErrConflict: the key has another revision. After
	// any other error it may have been set.
	CompareAndSet(ctx context.Context, key string, value []byte, revision uint64) (next uint64, err error)
}

// Errors of an engine.
var (
	ErrDisconnected = errors.New("cluster: the engine is not connected; expected a connection")
	ErrTooLong      = errors.New("cluster: the message is too long for the engine; expected fewer mounts, or a larger limit of its messages")
	ErrConflict     = errors.New("cluster: the key was changed by another node; expected the revision that was read")
	ErrNoKeys       = errors.New("cluster: the engine keeps no keys; expected one that does, such as NATS with JetStream")
)
