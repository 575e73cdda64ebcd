package state

import (
	"context"
	"errors"

	"github.com/caddycast/caddycast/streaming/hls/origin"
	"github.com/caddycast/caddycast/streaming/relay"
)

// fetchHLS loads a file of HLS from the server that a mount is pulled from.
func (st *Station) fetchHLS(ctx context.Context, mount, suffix string, most int64) ([]byte, error) {
	data, err := st.relays.FetchHLS(ctx, mount, suffix, most)
	if errors.Is(err, relay.ErrNoHLS) {
		err = origin.ErrNoMirror
	}
	return data, err
}
