package setting

import (
	"fmt"
	"regexp"
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

// Text parses a text.
func Text(d *caddyfile.Dispenser, dst *string) func() error {
	return func() (err error) {
		*dst, err = OneArg(d, `"some text"`)
		return err
	}
}

// Texts parses one text or several.
func Texts(d *caddyfile.Dispenser, dst *[]string, example string) func() error {
	return func() error {
		directive := d.Val()
		if *dst = d.RemainingArgs(); len(*dst) == 0 {
			return d.Errf("%s: missing value; expected at least one, such as %s %s", directive, directive, example)
		}
		return nil
	}
}

// Flag parses a flag: the directive alone is on.
func Flag(d *caddyfile.Dispenser, dst **bool) func() error {
	return func() error {
		directive := d.Val()
		args := d.RemainingArgs()
		on := len(args) == 0 || args[0] == "on"
		if len(args) > 1 || !on && args[0] != "off" {
			return InvalidValue(d, directive, strings.Join(args, " "), directive+" alone, or "+directive+" off")
		}
		*dst = &on
		return nil
	}
}

// Count parses a number that is not negative.
func Count(d *caddyfile.Dispenser, dst *int) func() error {
	return func() error {
		directive := d.Val()
		arg, err := OneArg(d, "100")
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(arg)
		if err != nil || n < 0 {
			return InvalidValue(d, directive, arg, "a whole number such as 100")
		}
		*dst = n
		return nil
	}
}

// Size parses a number of bytes.
func Size(d *caddyfile.Dispenser, dst *int) func() error {
	return func() error {
		directive := d.Val()
		arg, err := OneArg(d, "512KiB")
		if err != nil {
			return err
		}
		n, ok := ParseSize(arg)
		if !ok || n == 0 {
			return InvalidSize(d, directive, arg, "a size such as 512KiB, up to 1GiB")
		}
		*dst = n
		return nil
	}
}

// bits matches a size whose unit is one of bits, which many write for bytes.
var bits = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?) ?([kKmMgGtTpP])b$`)

// InvalidSize is InvalidValue for a size. If its unit can mean bits or bytes, both are expected.
func InvalidSize(d *caddyfile.Dispenser, directive, value, expected string) error {
	if m := bits.FindStringSubmatch(value); m != nil {
		n, _ := strconv.ParseFloat(m[1], 64)
		unit := strings.ToUpper(m[2]) + "B"
		expected = fmt.Sprintf("%s%s for bytes, or %s%s for bits", m[1], unit, decimal(n/8), unit)
	}
	return InvalidValue(d, directive, value, expected)
}

// decimal returns a number as a Caddyfile has it.
func decimal(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }

// ParseSize parses a size as humanize does, but refuses units of bits, and commas: humanize drops
// them, so that 1,5MiB would be 15MiB.
func ParseSize(s string) (int, bool) {
	n, ok := parseSize(s, MaxSize)
	return int(n), ok
}

// ParseLargeSize is ParseSize for sizes that may be larger than memory.
func ParseLargeSize(s string) (int64, bool) { return parseSize(s, MaxLargeSize) }

func parseSize(s string, most uint64) (int64, bool) {
	n, err := humanize.ParseBytes(s)
	if err != nil || n > most || strings.Contains(s, ",") || bits.MatchString(s) {
		return 0, false
	}
	return int64(n), true
}

// Duration parses a duration.
func Duration(d *caddyfile.Dispenser, dst *caddy.Duration) func() error {
	return func() error {
		directive := d.Val()
		arg, err := OneArg(d, "10s")
		if err != nil {
			return err
		}
		t, ok := ParseDuration(arg)
		if !ok {
			return InvalidValue(d, directive, arg, "a duration such as 10s, 5m or 1h")
		}
		*dst = caddy.Duration(t)
		return nil
	}
}

// PositiveDuration parses a duration of more than 0, for settings whose zero value is the
// default.
func PositiveDuration(d *caddyfile.Dispenser, dst *caddy.Duration) func() error {
	return func() error {
		directive := d.Val()
		if err := Duration(d, dst)(); err != nil {
			return err
		}
		if *dst == 0 {
			return InvalidValue(d, directive, d.Val(), "a duration of more than 0, such as 10s, 5m or 1h")
		}
		return nil
	}
}

// Optional parses a value that may be set to zero, which is not the same as unset.
func Optional[T any](d *caddyfile.Dispenser, parse func(*caddyfile.Dispenser, *T) func() error, dst **T) func() error {
	return func() error {
		*dst = new(T)
		return parse(d, *dst)()
	}
}

// Checked parses a value, and then checks it.
func Checked(d *caddyfile.Dispenser, parse, check func() error) func() error {
	return func() error {
		if err := parse(); err != nil {
			return err
		}
		if err := check(); err != nil {
			return d.WrapErr(err)
		}
		return nil
	}
}

// ParseDuration parses a duration that is not negative, also with days, as Caddy does.
func ParseDuration(s string) (time.Duration, bool) {
	t, err := caddy.ParseDuration(s)
	return t, err == nil && t >= 0
}
