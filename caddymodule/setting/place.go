package setting

import (
	"fmt"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// Places say where a Caddyfile has something, by a pointer to it; nil: it is of JSON, which has no lines.
type Places map[any]caddyfile.Token

// Note notes that something is at d.
func (p *Places) Note(d *caddyfile.Dispenser, what any) {
	if *p == nil {
		*p = make(Places)
	}
	(*p)[what] = d.Token()
}

// Wrap adds the place of something to an error, if there is one.
func (p Places) Wrap(what any, err error) error {
	at, ok := p[what]
	if err == nil || !ok {
		return err
	}
	return fmt.Errorf("%w, at %s:%d", err, at.File, at.Line)
}
