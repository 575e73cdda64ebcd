package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/caddycast/caddycast/caddymodule/mountpath"
	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/cluster"
	"github.com/caddycast/caddycast/streaming"
)

// The kinds of orders.
const (
	OrderKick    = "kick"
	OrderMove    = "move"
	OrderKill    = "kill"
	OrderTitle   = "metadata"
	OrderDrain   = "drain"
	OrderUndrain = "undrain"
)

// Order is what an administrator wants done at a station, perhaps at another node of its cluster.
type Order struct {
	Kind    string    `json:"order"`
	At      time.Time `json:"at"`
	By      string    `json:"by"`
	From    string    `json:"from,omitempty"` // address of who gave it
	GivenAt string    `json:"given_at"`       // host name of the node
	Node    string    `json:"node,omitempty"` // id or host name of the node that does it
	Nodes   int       `json:"nodes,omitempty"`
	Pending bool      `json:"pending,omitempty"` // the other nodes get it when the engine is back
	Failed  string    `json:"failed,omitempty"`
	OrderArguments
}

// OrderArguments are the arguments of an order. Each kind uses some of them.
type OrderArguments struct {
	Mount  string `json:"mount,omitempty"`
	To     string `json:"to,omitempty"`
	ID     uint64 `json:"id,omitempty"` // of a listener; 0: none
	Slaves bool   `json:"slaves,omitempty"`
	Artist string `json:"artist,omitempty"`
	Title  string `json:"title,omitempty"`
	URL    string `json:"url,omitempty"`
	Over   string `json:"over,omitempty"`
}

// ErrUnknownNode is the error of an order for a node that is none of the cluster.
var ErrUnknownNode = errors.New("unknown node; expected the id of one, or a host name that only one has")

// Target returns the id of the other node that an order is for; empty: it is for this one, or for all.
func (st *Station) Target(o *Order) (id string, err error) {
	node := st.Peer()
	switch {
	case o.Node == st.node || node != nil && o.Node == node.ID():
		return "", nil
	case node == nil && o.Node != "":
		return "", ErrUnknownNode
	case node == nil:
		return "", nil
	case o.Node != "":
		ids := node.Find(o.Node)
		if len(ids) != 1 {
			return "", ErrUnknownNode
		}
		return ids[0], nil
	case o.Kind == OrderKill || o.Kind == OrderTitle:
		return node.OwnerOf(o.Mount), nil
	}
	return "", nil
}

// Send sends an order to the node with an id, or to all others, and notes it.
func (st *Station) Send(o *Order, to string) (cluster.Spread, error) {
	arguments, err := json.Marshal(o.OrderArguments)
	if err != nil {
		return cluster.Spread{}, err
	}
	node := st.Peer()
	if node == nil {
		return cluster.Spread{}, ErrUnknownNode
	}
	spread, err := node.Give(&cluster.Order{Node: to, By: o.By, From: o.From, Kind: o.Kind, Arguments: arguments})
	o.Node, o.Nodes, o.Pending = to, spread.Nodes, spread.IsPending
	st.Note(o, err)
	return spread, err
}

// Note lists and logs an order.
func (st *Station) Note(o *Order, err error) {
	if o.GivenAt == "" {
		o.GivenAt = st.node
	}
	o.At = time.Now()
	fields := []zap.Field{
		zap.String("order", o.Kind), zap.String("by", response.Printable(o.By)), zap.String("from", response.Printable(o.From)),
		zap.String("given_at", response.Printable(o.GivenAt)), zap.String("mount", response.Printable(o.Mount)), zap.Uint64("listener", o.ID),
	}
	if o.Nodes > 0 {
		fields = append(fields, zap.Int("nodes", o.Nodes), zap.Bool("pending", o.Pending))
	}
	if err != nil {
		o.Failed = response.Printable(err.Error())
		st.Logger().Warn("order not carried out", append(fields, zap.String("error", o.Failed))...)
	} else {
		st.Logger().Info("order", fields...)
	}
	st.orders.add(*o)
}

// Orders returns the last orders, the newest first.
func (st *Station) Orders() []Order { return st.orders.last() }

// maxOrders bounds the orders that are listed.
const maxOrders = 200

// orderLog is the last orders of a station.
type orderLog struct {
	mu  sync.Mutex
	all []Order
}

func (l *orderLog) add(o Order) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.all) >= maxOrders {
		l.all = slices.Delete(l.all, 0, len(l.all)-maxOrders+1)
	}
	l.all = append(l.all, o)
}

func (l *orderLog) last() []Order {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := slices.Clone(l.all)
	slices.Reverse(all)
	return all
}

// obey does what another node orders.
func (st *Station) obey(order *cluster.Order) {
	o := Order{Kind: order.Kind, By: response.Printable(order.By), From: response.Printable(order.From), GivenAt: response.Printable(order.Host)}
	err := json.Unmarshal(order.Arguments, &o.OrderArguments)
	if err == nil {
		err = st.execute(&o)
	}
	st.Note(&o, err)
}

// execute does what an order of another node says.
func (st *Station) execute(o *Order) error {
	for _, path := range []string{o.Mount, o.To} {
		if err := mountpath.Check(path); path != "" && err != nil {
			return fmt.Errorf("mount %.300q: %w", path, err)
		}
	}
	switch o.Kind {
	case OrderKick:
		return st.withListener(o, func(l *streaming.Listener) error { l.Remove(streaming.Removed); return nil })
	case OrderMove:
		if o.ID != 0 {
			return st.withListener(o, func(l *streaming.Listener) error { return st.MoveListener(l, o.To) })
		}
		_, err := st.Move(o.Mount, o.To, o.Slaves)
		return err
	case OrderKill:
		return st.withSource(o, func(_ *streaming.Mount, s *streaming.Source) { s.Stop(streaming.Removed) })
	case OrderTitle:
		return st.withSource(o, func(m *streaming.Mount, _ *streaming.Source) { m.SetMetadata(o.Artist, o.Title, o.URL) })
	case OrderDrain:
		over, err := ParseWindow(o.Over)
		if err == nil {
			st.Drain(over)
		}
		return err
	case OrderUndrain:
		return st.Undrain()
	}
	return fmt.Errorf("order %.20q: unknown; expected one of this version", o.Kind)
}

func (st *Station) withListener(o *Order, do func(*streaming.Listener) error) error {
	l := st.Listener(o.ID)
	if l == nil || o.Mount != "" && l.Mount().Path != o.Mount {
		return streaming.ErrNoSuchListener
	}
	return do(l)
}

func (st *Station) withSource(o *Order, do func(*streaming.Mount, *streaming.Source)) error {
	m := st.Mount(o.Mount)
	if m == nil || m.Source() == nil {
		return fmt.Errorf("mount %.300q: no source; expected a mount with one", o.Mount)
	}
	do(m, m.Source())
	return nil
}
