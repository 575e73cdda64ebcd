package caddymodule

import (
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/dustin/go-humanize"
)

// maxSize is the largest size that a setting can mean, in bytes.
const maxSize = 1 << 30

// text reads a text.
func text(d *caddyfile.Dispenser, dst *string) func() error {
	return func() (err error) {
		*dst, err = oneArg(d, `"a text"`)
		return err
	}
}

// flag reads a switch: the word alone is on.
func flag(d *caddyfile.Dispenser, dst **bool) func() error {
	return func() error {
		word := d.Val()
		args := d.RemainingArgs()
		on := len(args) == 0 || args[0] == "on"
		if len(args) > 1 || !on && args[0] != "off" {
			return complain(d, word, args[0], word+" alone, or "+word+" off")
		}
		*dst = &on
		return nil
	}
}

// count reads a number that is not negative.
func count(d *caddyfile.Dispenser, dst *int) func() error {
	return func() error {
		word := d.Val()
		arg, err := oneArg(d, "100")
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(arg)
		if err != nil || n < 0 {
			return complain(d, word, arg, "a whole number such as 100")
		}
		*dst = n
		return nil
	}
}

// size reads a number of bytes.
func size(d *caddyfile.Dispenser, dst *int) func() error {
	return func() error {
		word := d.Val()
		arg, err := oneArg(d, "512KiB")
		if err != nil {
			return err
		}
		n, ok := parseSize(arg)
		if !ok {
			return complain(d, word, arg, "a size such as 512KiB, up to 1GiB")
		}
		*dst = n
		return nil
	}
}

func parseSize(s string) (int, bool) {
	n, err := humanize.ParseBytes(s)
	return int(min(n, maxSize)), err == nil && n <= maxSize
}

// duration reads a time.
func duration(d *caddyfile.Dispenser, dst *caddy.Duration) func() error {
	return func() error {
		word := d.Val()
		arg, err := oneArg(d, "10s")
		if err != nil {
			return err
		}
		t, ok := parseDuration(arg)
		if !ok {
			return complain(d, word, arg, "a time such as 10s, 5m or 1h")
		}
		*dst = caddy.Duration(t)
		return nil
	}
}

func parseDuration(s string) (time.Duration, bool) {
	t, err := caddy.ParseDuration(s)
	return t, err == nil && t >= 0
}

// burst reads an amount of stream, by size or by time.
func burst(d *caddyfile.Dispenser, dst **Burst) func() error {
	return func() error {
		word := d.Val()
		arg, err := oneArg(d, "64KiB")
		if err != nil {
			return err
		}
		b := new(Burst)
		if t, ok := parseDuration(arg); ok {
			b.Time = caddy.Duration(t)
		} else if n, ok := parseSize(arg); ok {
			b.Bytes = n
		} else if arg != "off" {
			return complain(d, word, arg, "a size such as 64KiB or a time such as 5s, or off")
		}
		*dst = b
		return nil
	}
}

// metadataInterval reads the space between metadata blocks.
func metadataInterval(d *caddyfile.Dispenser, dst **int) func() error {
	return func() error {
		word := d.Val()
		arg, err := oneArg(d, "16000")
		if err != nil {
			return err
		}
		n, ok := parseSize(arg)
		if !ok && arg != "off" {
			return complain(d, word, arg, "a number of bytes such as 16000, or off")
		}
		*dst = &n
		return nil
	}
}

// credential reads a secret, with a user before it if there are two values.
func credential(d *caddyfile.Dispenser, dst **Credential) func() error {
	return func() error {
		word := d.Val()
		c := new(Credential)
		switch args := d.RemainingArgs(); len(args) {
		case 1:
			c.Password = args[0]
		case 2:
			c.User, c.Password = args[0], args[1]
		default:
			return d.Errf("%s: write a password, or a user and a password; there are %d values", word, len(args))
		}
		if c.Password == "" {
			return d.Errf("%s: the password is empty; if it comes from the environment, is the variable set?", word)
		}
		*dst = c
		return nil
	}
}
