package setting

import (
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/dustin/go-humanize"
)

// MaxSize is the largest size that a setting can mean, in bytes.
const MaxSize = 1 << 30

// MaxLargeSize bounds the size of a file, in bytes.
const MaxLargeSize = 1 << 50

// Text reads a text.
func Text(d *caddyfile.Dispenser, dst *string) func() error {
	return func() (err error) {
		*dst, err = OneArg(d, `"some text"`)
		return err
	}
}

// Texts reads one text or several.
func Texts(d *caddyfile.Dispenser, dst *[]string, example string) func() error {
	return func() error {
		word := d.Val()
		if *dst = d.RemainingArgs(); len(*dst) == 0 {
			return d.Errf("%s: write at least one value after it, such as %s %s", word, word, example)
		}
		return nil
	}
}

// Flag reads a switch: the word alone is on.
func Flag(d *caddyfile.Dispenser, dst **bool) func() error {
	return func() error {
		word := d.Val()
		args := d.RemainingArgs()
		on := len(args) == 0 || args[0] == "on"
		if len(args) > 1 || !on && args[0] != "off" {
			return InvalidValue(d, word, strings.Join(args, " "), word+" alone, or "+word+" off")
		}
		*dst = &on
		return nil
	}
}

// Count reads a number that is not negative.
func Count(d *caddyfile.Dispenser, dst *int) func() error {
	return func() error {
		word := d.Val()
		arg, err := OneArg(d, "100")
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(arg)
		if err != nil || n < 0 {
			return InvalidValue(d, word, arg, "a whole number such as 100")
		}
		*dst = n
		return nil
	}
}

// Size reads a number of bytes.
func Size(d *caddyfile.Dispenser, dst *int) func() error {
	return func() error {
		word := d.Val()
		arg, err := OneArg(d, "512KiB")
		if err != nil {
			return err
		}
		n, ok := ParseSize(arg)
		if !ok || n == 0 {
			return InvalidValue(d, word, arg, "a size such as 512KiB, up to 1GiB")
		}
		*dst = n
		return nil
	}
}

// ParseSize reads a size as humanize does, but for its commas: it drops them, so
// that 1,5MiB would be ten times what is meant.
func ParseSize(s string) (int, bool) {
	n, err := humanize.ParseBytes(s)
	if err != nil || n > MaxSize || strings.Contains(s, ",") {
		return 0, false
	}
	return int(n), true
}

// ParseLargeSize is parseSize for what may be larger than memory.
func ParseLargeSize(s string) (int64, bool) {
	n, err := humanize.ParseBytes(s)
	if err != nil || n > MaxLargeSize || strings.Contains(s, ",") {
		return 0, false
	}
	return int64(n), true
}

// Duration reads a time.
func Duration(d *caddyfile.Dispenser, dst *caddy.Duration) func() error {
	return func() error {
		word := d.Val()
		arg, err := OneArg(d, "10s")
		if err != nil {
			return err
		}
		t, ok := ParseDuration(arg)
		if !ok {
			return InvalidValue(d, word, arg, "a time such as 10s, 5m or 1h")
		}
		*dst = caddy.Duration(t)
		return nil
	}
}

// PositiveDuration reads a time that is more than nothing: none at all would be taken
// for the default.
func PositiveDuration(d *caddyfile.Dispenser, dst *caddy.Duration) func() error {
	return func() error {
		word := d.Val()
		if err := Duration(d, dst)(); err != nil {
			return err
		}
		if *dst == 0 {
			return InvalidValue(d, word, d.Val(), "a time such as 10s, 5m or 1h, or leave it out for the default")
		}
		return nil
	}
}

// Optional reads what may be set to zero, which is not the same as left out.
func Optional[T any](d *caddyfile.Dispenser, read func(*caddyfile.Dispenser, *T) func() error, dst **T) func() error {
	return func() error {
		*dst = new(T)
		return read(d, *dst)()
	}
}

// Checked reads a value, then refuses what check does.
func Checked(d *caddyfile.Dispenser, read, check func() error) func() error {
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

func ParseDuration(s string) (time.Duration, bool) {
	t, err := caddy.ParseDuration(s)
	return t, err == nil && t >= 0
}
