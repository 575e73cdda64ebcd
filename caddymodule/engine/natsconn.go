package engine

import (
	"bytes"
	"crypto/tls"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/nats-io/nats.go"
	"go.uber.org/zap"

	"github.com/caddycast/caddycast/cluster"
	"github.com/caddycast/caddycast/internal/version"
)

const (
	// reconnectWait is the time between two attempts to connect to one server, and its random part.
	reconnectWait   = 500 * time.Millisecond
	reconnectJitter = 500 * time.Millisecond

	// pingInterval is how often a silent server is asked for a sign of life; it may owe maxPings.
	pingInterval = 2 * time.Second
	maxPings     = 2

	dialTimeout = 2 * time.Second

	// failureInterval is the shortest time between two lines of the log about failures.
	failureInterval = 30 * time.Second

	// The messages that may wait for a subscriber.
	maxPending      = 8192
	maxPendingBytes = 64 << 20
)

// maxQueue is how many messages may wait to be sent.
const maxQueue = 1024

// natsEngine is the engine over one connection. The client holds a lock while it connects, and while
// it writes to a socket that takes nothing: only send, Subscribe and Destruct wait for that.
type natsEngine struct {
	conn      *nats.Conn
	prefix    string
	connected atomic.Bool
	most      atomic.Int64 // bytes of a payload
	queue     chan message
	done      chan struct{} // closed by Destruct
	sent      chan struct{} // closed when nothing is sent any more
	running   sync.WaitGroup
	keys      natsKeys

	mu       sync.Mutex
	watchers map[*func()]bool
	failures time.Time // when one was logged
}

// message is one that waits to be sent.
type message struct {
	subject string
	payload []byte
}

// connect begins to connect. The error is about the settings.
func connect(n *NATS, config *tls.Config) (*natsEngine, error) {
	e := &natsEngine{
		prefix: n.Prefix, watchers: make(map[*func()]bool),
		queue: make(chan message, maxQueue), done: make(chan struct{}), sent: make(chan struct{}),
		keys: newNATSKeys(n.Prefix),
	}
	up := func(c *nats.Conn) {
		e.most.Store(c.MaxPayload())
		e.connected.Store(true)
		e.keys.open()
		e.changed("cluster engine connected", nil)
	}
	options := []nats.Option{
		nats.Name(version.UserAgent), nats.CustomInboxPrefix(n.Prefix + ".reply"), nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), nats.IgnoreAuthErrorAbort(),
		nats.ReconnectWait(reconnectWait), nats.ReconnectJitter(reconnectJitter, reconnectJitter),
		nats.ReconnectBufSize(-1), // a message of before is of no use
		nats.PingInterval(pingInterval), nats.MaxPingsOutstanding(maxPings), nats.Timeout(dialTimeout),
		nats.FlusherTimeout(dialTimeout),
		nats.ConnectHandler(up), nats.ReconnectHandler(up),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			e.connected.Store(false)
			e.changed("cluster engine disconnected; streams and listeners go on", err)
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { e.failed(err) }),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) { e.failed(err) }),
	}
	switch {
	case n.Credentials != "":
		options = append(options, nats.UserCredentials(n.Credentials))
	case n.User != "":
		options = append(options, nats.UserInfo(n.User, n.Password))
	case n.Token != "":
		options = append(options, nats.Token(n.Token))
	}
	if config != nil {
		options = append(options, nats.Secure(config))
	}
	var err error
	if e.conn, err = nats.Connect(strings.Join(n.Servers, ","), options...); err != nil {
		return nil, err
	}
	e.running.Go(e.send)
	e.running.Go(e.openKeys)
	return e, nil
}

// send sends what waits, until the engine is closed.
func (e *natsEngine) send() {
	for {
		select {
		case m := <-e.queue:
			e.sendOne(m)
		case <-e.done:
			e.sendRest()
			return
		}
	}
}

// sendOne sends a message. One that waits when the connection is lost is of no use.
func (e *natsEngine) sendOne(m message) {
	if e.connected.Load() {
		_ = e.conn.Publish(e.prefix+"."+m.subject, m.payload) // else its loss is noticed by the numbers
	}
}

// sendRest sends what was published before the engine was closed: that a node leaves.
func (e *natsEngine) sendRest() {
	defer close(e.sent)
	for len(e.queue) > 0 {
		e.sendOne(<-e.queue)
	}
	if e.connected.Load() {
		_ = e.conn.FlushTimeout(closeTime)
	}
}

// closeTime is how long the last messages may take.
const closeTime = 200 * time.Millisecond

// Destruct implements caddy.Destructor.
func (e *natsEngine) Destruct() error {
	close(e.done)
	select {
	case <-e.sent:
	case <-time.After(2 * closeTime): // the server takes nothing
	}
	e.conn.Close()
	e.running.Wait()
	return nil
}

// changed logs and announces that the connection has come or gone.
func (e *natsEngine) changed(text string, err error) {
	if err != nil {
		logger().Warn(text, zap.Error(err))
	} else {
		logger().Info(text)
	}
	e.mu.Lock()
	all := make([]func(), 0, len(e.watchers))
	for w := range e.watchers {
		all = append(all, *w)
	}
	e.mu.Unlock()
	for _, changed := range all {
		changed()
	}
}

// failed logs what the server does not allow, or what has been missed, at most once in failureInterval.
func (e *natsEngine) failed(err error) {
	e.mu.Lock()
	now := time.Now()
	isLogged := e.failures.IsZero() || now.Sub(e.failures) >= failureInterval
	if isLogged {
		e.failures = now
	}
	e.mu.Unlock()
	if isLogged {
		logger().Warn("cluster engine unavailable or refusing; retrying", zap.Error(err))
	}
}

// logger returns the logger of the configuration in force: a connection outlives configurations.
func logger() *zap.Logger { return caddy.Log().Named(namespace + ".nats") }

// Publish implements cluster.Engine.
func (e *natsEngine) Publish(subject string, payload []byte) error {
	if !e.IsConnected() {
		return cluster.ErrDisconnected
	}
	if int64(len(payload)) > e.most.Load() {
		return cluster.ErrTooLong
	}
	select {
	case e.queue <- message{subject, bytes.Clone(payload)}:
		return nil
	default: // the server takes nothing
		return cluster.ErrDisconnected
	}
}

// Subscribe implements cluster.Engine.
func (e *natsEngine) Subscribe(subject string, receive func(payload []byte)) (cancel func(), err error) {
	var mu sync.Mutex // held while receive runs
	cancelled := false
	s, err := e.conn.Subscribe(e.prefix+"."+subject, func(m *nats.Msg) {
		mu.Lock()
		defer mu.Unlock()
		if !cancelled {
			receive(m.Data)
		}
	})
	if err != nil {
		return nil, err
	}
	if err := s.SetPendingLimits(maxPending, maxPendingBytes); err != nil {
		_ = s.Unsubscribe()
		return nil, err
	}
	return sync.OnceFunc(func() {
		mu.Lock()
		cancelled = true
		mu.Unlock()
		e.running.Go(func() { _ = s.Unsubscribe() })
	}), nil
}

// IsConnected implements cluster.Engine.
func (e *natsEngine) IsConnected() bool { return e.connected.Load() }

// OnConnection implements cluster.Engine.
func (e *natsEngine) OnConnection(changed func()) (cancel func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.watchers[&changed] = true
	return func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.watchers, &changed)
	}
}
