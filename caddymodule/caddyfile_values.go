package caddymodule

import (
	"fmt"
	"strconv"
	"strings"
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
		*dst, err = oneArg(d, `"some text"`)
		return err
	}
}

// texts reads one text or several.
func texts(d *caddyfile.Dispenser, dst *[]string, example string) func() error {
	return func() error {
		word := d.Val()
		if *dst = d.RemainingArgs(); len(*dst) == 0 {
			return d.Errf("%s: write at least one value after it, such as %s %s", word, word, example)
		}
		return nil
	}
}

// flag reads a switch: the word alone is on.
func flag(d *caddyfile.Dispenser, dst **bool) func() error {
	return func() error {
		word := d.Val()
		args := d.RemainingArgs()
		on := len(args) == 0 || args[0] == "on"
		if len(args) > 1 || !on && args[0] != "off" {
			return complain(d, word, strings.Join(args, " "), word+" alone, or "+word+" off")
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
		if !ok || n == 0 {
			return complain(d, word, arg, "a size such as 512KiB, up to 1GiB")
		}
		*dst = n
		return nil
	}
}

// parseSize reads a size as humanize does, but for its commas: it drops them, so
// that 1,5MiB would be ten times what is meant.
func parseSize(s string) (int, bool) {
	n, err := humanize.ParseBytes(s)
	if err != nil || n > maxSize || strings.Contains(s, ",") {
		return 0, false
	}
	return int(n), true
}

// parseLargeSize is parseSize for what may be larger than memory.
func parseLargeSize(s string) (int64, bool) {
	n, err := humanize.ParseBytes(s)
	if err != nil || n > maxDump || strings.Contains(s, ",") {
		return 0, false
	}
	return int64(n), true
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

// positive reads a time that is more than nothing: none at all would be taken
// for the default.
func positive(d *caddyfile.Dispenser, dst *caddy.Duration) func() error {
	return func() error {
		word := d.Val()
		if err := duration(d, dst)(); err != nil {
			return err
		}
		if *dst == 0 {
			return complain(d, word, d.Val(), "a time such as 10s, 5m or 1h, or leave it out for the default")
		}
		return nil
	}
}

// optional reads what may be set to zero, which is not the same as left out.
func optional[T any](d *caddyfile.Dispenser, read func(*caddyfile.Dispenser, *T) func() error, dst **T) func() error {
	return func() error {
		*dst = new(T)
		return read(d, *dst)()
	}
}

// checked reads a value, then refuses what check does.
func checked(d *caddyfile.Dispenser, read, check func() error) func() error {
	return func() error {
		if err := read(); err != nil {
			return err
		}
		if err := check(); err != nil {
			return d.WrapErr(err)
		}
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
		if !ok && arg != "off" || checkInterval(n) != nil {
			return complain(d, word, arg, intervals+", such as 16000, or off")
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
		case 0: // as a variable that is not set leaves it
		case 1:
			c.Password = args[0]
		case 2:
			c.User, c.Password = args[0], args[1]
		default:
			return d.Errf("%s: write a password, or a user and a password; there are %d values", word, len(args))
		}
		if c.Password == "" {
			return d.Errf("%s: write a password, or a user and a password; the password is empty "+
				"(if it comes from the environment, is the variable set?)", word)
		}
		if err := c.check(); err != nil {
			return d.WrapErr(fmt.Errorf("%s: %w", word, err))
		}
		*dst = c
		return nil
	}
}
