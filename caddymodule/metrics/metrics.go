package metrics

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/caddycast/caddycast/caddymodule/state"
	"github.com/caddycast/caddycast/streaming"
	"github.com/caddycast/caddycast/streaming/relay"
	"github.com/caddyserver/caddy/v2"
	"github.com/prometheus/client_golang/prometheus"
)

// collector collects what is counted of the stations. It keeps
// nothing: the numbers are those of what lives, so they go on when the configuration
// changes, and cost nothing but when they are asked for. Labels are the names of
// stations and mounts, of which there is a bounded number, and words of our own; never
// anything of a client.
type collector struct{}

// Register adds the metrics to those of a configuration, once.
func Register(ctx caddy.Context) error {
	err := ctx.GetMetricsRegistry().Register(collector{})
	if err != nil && !errors.As(err, new(prometheus.AlreadyRegisteredError)) {
		return fmt.Errorf("registering metrics: %w", err)
	}
	return nil
}

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("icecast_"+name, help, append([]string{"station"}, labels...), nil)
}

var (
	listenersDesc   = desc("listeners", "Listeners now, slaves not counted.", "mount", "protocol", "tls")
	connectionsDesc = desc("listener_connections_total", "Listeners that have come, slaves not counted.", "mount", "protocol", "tls")
	endedDesc       = desc("listeners_ended_total", "Listeners that are gone, slaves not counted, by why.", "mount", "reason")
	sentDesc        = desc("listener_bytes_total", "Bytes sent to listeners and slaves.", "mount")
	receivedDesc    = desc("source_bytes_total", "Bytes that came from sources.", "mount")
	sourcesDesc     = desc("source_connections_total", "Sources that have come, relays among them.", "mount")
	upDesc          = desc("source_up", "Whether the mount has a source.", "mount")
	bitrateDesc     = desc("source_bitrate", "Bits a second that the source has sent of late.", "mount")
	feedDesc        = desc("mount_feed", "What listeners of the mount hear: 1 for the state that it is in.", "mount", "state")
	pulledDesc      = desc("mount_slaves", "Connections of slaves that pull the mount.", "mount")
	slavesDesc      = desc("slaves", "Slaves that report to this master.")
	relayDesc       = desc("relay_state", "What the relay does: 1 for the state that it is in.", "mount", "state")
	lagDesc         = desc("relay_lag_seconds", "How long it is since a relay that plays last brought sound.", "mount")
	passDesc        = desc("shard_pass_seconds", "How long it took a shard to write what was due to its listeners.")
	delayDesc       = desc("delay_seconds", "How long what came from a source waited until the last listener of a shard had it; one stream a pass, by chance.")
	queueDesc       = desc("hook_queue_events", "Events that hooks have yet to tell.", "hook")
	failingDesc     = desc("hook_queue_failing", "Queues of hooks whose first event is tried again.", "hook")
	refusedDesc     = desc("requests_refused_total", "Requests that were refused, by the status of the answer.", "status")
	lostDesc        = desc("hook_events_lost_total", "Events that hooks will not tell: the queue was full, it took too long, or they were refused.", "hook", "reason")

	allDescs = []*prometheus.Desc{
		listenersDesc, connectionsDesc, endedDesc, sentDesc, receivedDesc, sourcesDesc, upDesc, bitrateDesc, feedDesc, pulledDesc,
		slavesDesc, relayDesc, lagDesc, passDesc, delayDesc, queueDesc, failingDesc, lostDesc, refusedDesc,
	}
)

// Describe implements prometheus.Collector.
func (collector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range allDescs {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (collector) Collect(to chan<- prometheus.Metric) {
	for _, l := range state.InForce() {
		c := collection{to: to, station: l.StationName()}
		seen := make(map[string]bool)
		for _, t := range l.Totals() {
			seen[t.Path] = true
			c.tally(t)
		}
		for _, path := range l.Current().Watched() {
			if !seen[path] { // it is missed from the first minute on
				c.gauge(upDesc, 0, path)
			}
		}
		c.relays(l)
		c.histogram(passDesc, l.CycleTimes())
		c.histogram(delayDesc, l.Delays())
		c.gauge(slavesDesc, float64(len(l.Slaves().List())))
		for status, n := range l.Refusals() {
			c.counter(refusedDesc, n, strconv.Itoa(status))
		}
		for kind, b := range l.HookBacklogs() {
			c.gauge(queueDesc, float64(b.Events), kind)
			c.gauge(failingDesc, float64(b.Failing), kind)
			c.counter(lostDesc, b.Lost, kind, "full")
			c.counter(lostDesc, b.Late, kind, "late")
			c.counter(lostDesc, b.Refused, kind, "refused")
		}
	}
}

// collection is what is collected of a station.
type collection struct {
	to      chan<- prometheus.Metric
	station string
}

func (c *collection) add(d *prometheus.Desc, t prometheus.ValueType, v float64, labels []string) {
	c.to <- prometheus.MustNewConstMetric(d, t, v, append([]string{c.station}, labels...)...)
}

func (c *collection) gauge(d *prometheus.Desc, v float64, labels ...string) {
	c.add(d, prometheus.GaugeValue, v, labels)
}

func (c *collection) counter(d *prometheus.Desc, v uint64, labels ...string) {
	c.add(d, prometheus.CounterValue, float64(v), labels)
}

func (c *collection) histogram(d *prometheus.Desc, of streaming.Distribution) {
	buckets := make(map[float64]uint64)
	for i, bound := range of.UpTo {
		buckets[bound.Seconds()] = of.Counts[i]
	}
	c.to <- prometheus.MustNewConstHistogram(d, of.Count, of.Sum.Seconds(), buckets, c.station)
}

// states sets one of several words to 1.
func (c *collection) states(d *prometheus.Desc, mount, is string, all []string) {
	for _, state := range all {
		v := 0.0
		if state == is {
			v = 1
		}
		c.gauge(d, v, mount, state)
	}
}

// otherMounts is what the mounts are called that are not counted by name.
const otherMounts = "others"

// usualReasons are those for which listeners end. They are all there from the
// beginning, or the first of each would not be seen to come.
var usualReasons = []streaming.Reason{
	streaming.Disconnected, streaming.Slow, streaming.SourceEnded, streaming.TypeChanged, streaming.TimeLimit,
	streaming.Removed, streaming.ShuttingDown,
}

// tally collects what is known of a mount.
func (c *collection) tally(t streaming.MountTotals) {
	mount := cmp.Or(t.Path, otherMounts)
	for i, way := range streaming.Transports {
		if t.Came[i] == 0 {
			continue
		}
		protocol, tls := cmp.Or(way.Protocol, "other"), strconv.FormatBool(way.Encrypted)
		c.gauge(listenersDesc, float64(t.Listeners[i]), mount, protocol, tls)
		c.counter(connectionsDesc, t.Came[i], mount, protocol, tls)
	}
	for _, r := range usualReasons {
		c.counter(endedDesc, t.Left[r], mount, r.String())
	}
	c.counter(sentDesc, t.BytesSent, mount)
	c.counter(receivedDesc, t.BytesRead, mount)
	c.counter(sourcesDesc, t.Sources, mount)
	c.gauge(pulledDesc, float64(t.Slaves), mount)
	if t.Path == "" {
		return
	}
	up, bitrate := 0.0, 0.0
	if t.Status != nil && t.Status.Source != nil {
		up, bitrate = 1, t.Status.Source.Bitrate
	}
	c.gauge(upDesc, up, mount)
	c.gauge(bitrateDesc, bitrate, mount)
	c.states(feedDesc, mount, state.FeedState(t.Status), state.FeedStates)
}

// relays collects how a station's relays stand.
func (c *collection) relays(l *state.Station) {
	for i, link := range l.Relayer().Statuses() {
		if i >= state.MaxNamed || !utf8.ValidString(link.Mount) { // they may be those of a master's list
			continue
		}
		c.states(relayDesc, link.Mount, link.State.String(), relayStates)
		if lag, ok := l.RelayLag(link); ok {
			c.gauge(lagDesc, lag.Seconds(), link.Mount)
		}
	}
}

var relayStates = []string{relay.Idle.String(), relay.Dialing.String(), relay.Playing.String(), relay.Waiting.String()}
