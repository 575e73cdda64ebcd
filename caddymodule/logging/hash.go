package logging

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	caddylogging "github.com/caddyserver/caddy/v2/modules/logging"
	"go.uber.org/zap/zapcore"

	"github.com/caddycast/caddycast/caddymodule/setting"
)

func init() {
	caddy.RegisterModule(new(HashFilter))
}

// hashSize is the length of a hash in bytes: among millions of values no two share one.
const hashSize = 8

// HashFilter replaces the value of a log field, such as an address, by a keyed hash, so that equal
// values stay equal and nobody without the secret can find the value. Caddy's filter `hash` has no
// key: all IPv4 addresses can be tried in a moment.
type HashFilter struct {
	// The key. Placeholders such as {env.NAME} are filled in. Required. With another one, the same
	// value has another hash.
	Secret string `json:"secret"`
}

// CaddyModule returns the Caddy module information.
func (*HashFilter) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "caddy.logging.encoders.filter.icecast_hash",
		New: func() caddy.Module { return new(HashFilter) },
	}
}

// Provision fills in placeholders in the secret.
func (f *HashFilter) Provision(caddy.Context) (err error) {
	if f.Secret, err = caddy.NewReplacer().ReplaceOrErr(f.Secret, true, true); err != nil {
		return fmt.Errorf("icecast_hash: secret: %w", err)
	}
	if f.Secret == "" {
		return errors.New("icecast_hash: missing secret; expected a text that nobody can guess")
	}
	return nil
}

// UnmarshalCaddyfile parses the secret.
//
//	<field> icecast_hash <secret>
func (f *HashFilter) UnmarshalCaddyfile(d *caddyfile.Dispenser) (err error) {
	d.Next() // icecast_hash
	f.Secret, err = setting.OneArg(d, "{env.LOG_SECRET}")
	return err
}

// Filter implements LogFieldFilter of Caddy's logging.
func (f *HashFilter) Filter(in zapcore.Field) zapcore.Field {
	values, ok := in.Interface.(caddyhttp.LoggableStringArray)
	if !ok {
		in.String = f.hash(in.String)
		return in
	}
	hashed := make(caddyhttp.LoggableStringArray, len(values))
	for i, v := range values {
		hashed[i] = f.hash(v)
	}
	in.Interface = hashed
	return in
}

// hash returns the hash of a value as hexadecimal digits; an empty value stays empty.
func (f *HashFilter) hash(value string) string {
	if value == "" {
		return ""
	}
	h := hmac.New(sha256.New, []byte(f.Secret))
	h.Write([]byte(value))
	return hex.EncodeToString(h.Sum(nil)[:hashSize])
}

// Interface guards
var (
	_ caddylogging.LogFieldFilter = (*HashFilter)(nil)
	_ caddy.Provisioner           = (*HashFilter)(nil)
	_ caddyfile.Unmarshaler       = (*HashFilter)(nil)
)
