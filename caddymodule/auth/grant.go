package auth

import "context"

// Grant is the right to feed a mount once. A listener wrapper gives it to a source that has
// logged in without HTTP, before there is a request.
type Grant struct {
	Station string // name of the station
	Mount   string
	User    string // name recorded for the source
	Answer  string // what the source expects before it sends
}

// GrantSlot holds the grant of a connection until its request arrives. It belongs to the
// goroutine that serves the connection.
type GrantSlot struct{ grant *Grant }

// Put keeps a grant for the next request of the connection.
func (s *GrantSlot) Put(g *Grant) { s.grant = g }

type grantSlotKey struct{}

// WithGrantSlot returns a context for the requests of a connection.
func WithGrantSlot(ctx context.Context, s *GrantSlot) context.Context {
	return context.WithValue(ctx, grantSlotKey{}, s)
}

// TakeGrant returns the grant with which a request arrives, nil if there is none for this
// station and mount. It is valid for one request, whatever the request is for.
func TakeGrant(ctx context.Context, station, mount string) *Grant {
	s, ok := ctx.Value(grantSlotKey{}).(*GrantSlot)
	if !ok || s.grant == nil {
		return nil
	}
	g := s.grant
	s.grant = nil
	if g.Station != station || g.Mount != mount {
		return nil
	}
	return g
}
