package caddymodule

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"mime"
	"net/url"
	"path"
	"slices"
	"strings"

	"golang.org/x/text/encoding/htmlindex"

	"github.com/caddycast/caddycast/caddymodule/mountpath"
	"github.com/caddycast/caddycast/caddymodule/setting"
	"github.com/caddycast/caddycast/hooks"
	"github.com/caddycast/caddycast/streaming/format"
	"github.com/caddycast/caddycast/streaming/icy"
)

// minInterval is the smallest metadata interval: below it metadata would be most of the stream.
const minInterval = 256

// validate returns an error for values that are out of range.
func (m *Mount) validate() error {
	return cmp.Or(
		setting.CheckRange("max_listeners", setting.Value(m.MaxListeners), math.MaxInt),
		setting.CheckRange("max_listener_duration", setting.Value(m.MaxListenerDuration), math.MaxInt64),
		setting.CheckRange("max_bandwidth", setting.Value(m.MaxBandwidth), setting.MaxBandwidth),
		setting.CheckRange("linger", setting.Value(m.Linger), math.MaxInt64),
		setting.CheckRange("return_after", setting.Value(m.ReturnAfter), math.MaxInt64),
		m.checkSourceTLS(),
		m.checkOn(),
		setting.CheckRange("queue", m.Queue, setting.MaxSize),
		setting.CheckRange("source_timeout", m.SourceTimeout, math.MaxInt64),
		setting.CheckRange("bitrate", m.Bitrate, math.MaxInt),
		m.Burst.validate(),
		checkInterval(setting.Value(m.MetadataInterval)),
		m.checkTitles(),
		m.checkCharset(),
		m.checkType(),
		m.checkListenURL(),
		m.HLS.validate(),
		m.Dump.validate(),
	)
}

// checkPath returns an error if the path is neither that of a mount nor a pattern.
func (m *Mount) checkPath() error {
	err := mountpath.Check(m.Path)
	if _, bad := path.Match(m.Path, "/"); err == nil && bad != nil && mountpath.IsPattern(m.Path) {
		err = errors.New(`invalid pattern; expected a "]" after each "[", and a character after each backslash`)
	}
	if err != nil {
		return fmt.Errorf("mount %q: %w", m.Path, err)
	}
	return nil
}

// checkType refuses a content type that browsers could take for another one.
func (m *Mount) checkType() error {
	if m.Type == "" || strings.Contains(m.Type, "{") { // a placeholder
		return nil
	}
	if _, _, err := mime.ParseMediaType(m.Type); err != nil || format.Canonical(m.Type) == format.OctetStream && m.Type != format.OctetStream {
		return fmt.Errorf("type %q: invalid content type; expected one type and subtype such as audio/mpeg", m.Type)
	}
	return nil
}

// mountVerb is replaced by the path of the mount.
const mountVerb = "{mount}"

// checkListenURL refuses what is no URL of a stream, and one URL for all mounts of a pattern.
func (m *Mount) checkListenURL() error {
	rest := strings.ReplaceAll(m.ListenURL, mountVerb, "/m")
	if m.ListenURL == "" || strings.Contains(rest, "{") { // a placeholder
		return nil
	}
	u, err := url.Parse(rest)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return fmt.Errorf("listen_url %.200q: invalid; expected a URL such as https://cdn.example.org/live.mp3", m.ListenURL)
	case mountpath.IsPattern(m.Path) && rest == m.ListenURL:
		return fmt.Errorf("listen_url %.200q: the same for all mounts of %s; expected {mount} in it, such as https://cdn.example.org{mount}", m.ListenURL, m.Path)
	}
	return nil
}

func (m *Mount) checkCharset() error {
	if m.Charset == "" || strings.Contains(m.Charset, "{") { // a placeholder of the Caddyfile
		return nil
	}
	if _, err := htmlindex.Get(m.Charset); err != nil {
		return fmt.Errorf("charset %q: unknown; expected one such as utf-8 or iso-8859-1", m.Charset)
	}
	return nil
}

// intervals describes the valid metadata intervals.
var intervals = fmt.Sprintf("a number of bytes from %d to %d", minInterval, icy.MaxInterval)

// checkInterval returns an error for a metadata interval that is out of range.
func checkInterval(n int) error {
	if n != 0 && (n < minInterval || n > icy.MaxInterval) {
		return fmt.Errorf("metadata_interval %d: out of range; expected %s, or 0 for no metadata", n, intervals)
	}
	return nil
}

func (b *Burst) validate() error {
	if b == nil {
		return nil
	}
	return cmp.Or(setting.CheckRange("burst: bytes", b.Bytes, setting.MaxSize), setting.CheckRange("burst: time", b.Time, math.MaxInt64))
}

// checkOn returns an error for events that no mount has.
func (m *Mount) checkOn() error {
	for _, h := range m.On {
		if h == nil {
			continue
		}
		for _, e := range h.Events {
			if slices.Contains(hooks.OfStations, e) {
				return fmt.Errorf("on %s: an event of the station; expected in the station's block, not in mount", e)
			}
		}
	}
	return nil
}

// tlsRequired is the value of source_tls that refuses sources over plain HTTP.
const tlsRequired = "required"

// checkTitles returns an error for an unknown value of titles.
func (m *Mount) checkTitles() error {
	if _, ok := titleModes[m.Titles]; !ok && !strings.Contains(m.Titles, "{") { // a placeholder of the Caddyfile
		return fmt.Errorf("titles %q: unknown; expected chain, icy or off", m.Titles)
	}
	return nil
}

// checkSourceTLS returns an error for an unknown value of source_tls.
func (m *Mount) checkSourceTLS() error {
	if m.SourceTLS != "" && m.SourceTLS != tlsRequired && m.SourceTLS != "off" {
		return fmt.Errorf("source_tls %q: unknown; expected required, or off", m.SourceTLS)
	}
	return nil
}
