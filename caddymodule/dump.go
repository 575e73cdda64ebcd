package caddymodule

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddycast/caddycast/caddymodule/setting"
	"github.com/caddycast/caddycast/streaming/recording"
)

// Dump is the recording of a mount.
type Dump struct {
	// The path of the files, with the verbs of strftime for the time and `{mount}` for
	// the name of the mount. Empty: the mount is not recorded, even if a matching
	// pattern is.
	Pattern string `json:"pattern,omitempty"`

	// The duration of a file. A new one begins at each multiple of it, by local time.
	// At least 1s. Default: 0, one file for each connection of the source.
	RotateEvery caddy.Duration `json:"rotate_every,omitempty"`

	// The size in bytes at which a new file begins, from 16384 on. Default: 0, no limit.
	RotateSize int64 `json:"rotate_size,omitempty"`

	// When data must have reached the disk: `close`, before a file gets its name; `off`,
	// never; a duration such as `10s`, at that interval and at the end. Default: `close`.
	Fsync string `json:"fsync,omitempty"`
}

const (
	fsyncClose = "close"
	fsyncOff   = "off"

	minDumpDuration = time.Second

	// minDumpSize keeps a size without its unit from making a file of each frame.
	minDumpSize = 16 << 10
)

func (dump *Dump) validate() error {
	if dump == nil || *dump == (Dump{}) {
		return nil
	}
	if _, err := recording.Parse(dump.Pattern); err != nil {
		return fmt.Errorf("dump: %w", err)
	}
	if n := dump.RotateSize; n != 0 && n < minDumpSize || n > setting.MaxLargeSize {
		return fmt.Errorf("dump: rotate %d bytes: out of range; expected a size from 16KiB on, such as 500MiB, or a time such as 1h", n)
	}
	if t := time.Duration(dump.RotateEvery); t != 0 && t < minDumpDuration {
		return fmt.Errorf("dump: rotate_every %v: too short; expected %v or more", t, minDumpDuration)
	}
	if _, ok := setting.ParseDuration(dump.Fsync); !ok && !slices.Contains([]string{"", fsyncClose, fsyncOff}, dump.Fsync) {
		return fmt.Errorf("dump: fsync %q: unknown; expected close, off, or a time such as 10s", dump.Fsync)
	}
	return setting.CheckRange("dump: rotate_every", dump.RotateEvery, math.MaxInt64)
}

// parseDump parses the recording of a mount.
//
//	dump <pattern>|off {
//		rotate <duration>|<size>
//		fsync  close|off|<duration>
//	}
func parseDump(d *caddyfile.Dispenser, to **Dump) error {
	dump := new(Dump)
	*to = dump
	if !d.NextArg() || d.Val() == "" {
		return d.Err("dump: missing path; expected one such as dump /srv/rec/live-%Y%m%d-%H%M%S.mp3, or dump off")
	}
	if dump.Pattern = d.Val(); dump.Pattern == "off" {
		dump.Pattern = ""
		if d.NextArg() {
			return setting.InvalidValue(d, "dump", d.Val(), "dump off alone")
		}
		return nil
	}
	err := setting.ParseBlock(d, "dump", setting.Directives{
		"rotate": func() error { return parseRotate(d, dump) },
		"fsync":  setting.Text(d, &dump.Fsync),
	})
	if err != nil {
		return err
	}
	if err := dump.validate(); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

// parseRotate parses when a new file begins: by time, by size, or by whichever is first.
func parseRotate(d *caddyfile.Dispenser, dump *Dump) error {
	args := d.RemainingArgs()
	if len(args) == 0 {
		return setting.InvalidValue(d, "rotate", "", "a time such as 1h, a size such as 500MiB, or both")
	}
	for _, arg := range args {
		if t, ok := setting.ParseDuration(arg); ok && t > 0 {
			dump.RotateEvery = caddy.Duration(t)
		} else if n, ok := setting.ParseLargeSize(arg); ok && n > 0 {
			dump.RotateSize = n
		} else {
			return setting.InvalidSize(d, "rotate", arg, "a time such as 1h, a size such as 500MiB, or both")
		}
	}
	return nil
}

// options translates the settings.
func (dump *Dump) options() *recording.Options {
	if dump == nil || dump.Pattern == "" {
		return nil
	}
	pattern, err := recording.Parse(dump.Pattern)
	if err != nil { // it has been validated
		return nil
	}
	o := &recording.Options{Pattern: pattern, Every: time.Duration(dump.RotateEvery), Size: dump.RotateSize}
	if t, ok := setting.ParseDuration(dump.Fsync); ok {
		o.SyncEvery = t
	} else if dump.Fsync == fsyncOff {
		o.Sync = recording.SyncNever
	}
	return o
}
