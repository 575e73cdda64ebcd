// Package metrics has the Prometheus metrics of all stations, under icecast_.
//
// The collector holds no numbers: each scrape reads those of the stations that are in the pool,
// so that a reload changes no counter and listeners cost nothing more. Register adds it to the
// registry of a configuration; Prometheus may scrape from several goroutines at a time.
//
// Labels are names of stations, mounts, slaves and masters, whose number is bounded, keywords of our own,
// and statuses of answers. Nothing of a client is ever in a label.
package metrics

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/caddyserver/caddy/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/caddycast/caddycast/caddymodule/state"
	"github.com/caddycast/caddycast/cluster"
	"github.com/caddycast/caddycast/streaming"
	"github.com/caddycast/caddycast/streaming/relay"
)

// collector collects the numbers of all stations.
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
	listenersDesc   = desc("listeners", "Current listeners, without slaves.", "mount", "protocol", "tls")
	connectionsDesc = desc("listener_connections_total", "Listeners that connected, without slaves.", "mount", "protocol", "tls")
	endedDesc       = desc("listeners_ended_total", "Listeners that ended, without slaves, by reason.", "mount", "reason")
	sentDesc        = desc("listener_bytes_total", "Bytes sent to listeners and slaves.", "mount")
	receivedDesc    = desc("source_bytes_total", "Bytes received from sources.", "mount")
	sourcesDesc     = desc("source_connections_total", "Sources that connected, including relays.", "mount")
	upDesc          = desc("source_up", "Whether the mount has a source.", "mount")
	bitrateDesc     = desc("source_bitrate", "Bits per second that the source sent lately.", "mount")
	feedDesc        = desc("mount_feed", "What listeners of the mount hear: 1 for the current state.", "mount", "state")
	mountSlavesDesc = desc("mount_slaves", "Connections of slaves that pull the mount.", "mount")
	slavesDesc      = desc("slaves", "Slaves that report to this master.")
	slaveAgeDesc    = desc("slave_report_age_seconds", "Time since the last report of the slave.", "slave")
	slaveHeardDesc  = desc("slave_listeners", "Listeners at the slave, by its last report.", "slave")
	slaveSentDesc   = desc("slave_sent_total", "Listeners that were sent to the slave.", "slave")
	slaveRefDesc    = desc("slave_refused_total", "Listeners that the slave has refused, by its reports.", "slave")
	slaveUpDesc     = desc("slave_verified", "Whether all public URLs of the slave are verified.", "slave")
	masterUpDesc    = desc("master_up", "Whether the master sends its list to this slave.", "master")
	masterAgeDesc   = desc("master_report_age_seconds", "Time since the master last took a report of this slave.", "master")
	refusalsDesc    = desc("slave_refusals_total", "Reports and requests of this slave that the master has refused.", "master")
	drainingDesc    = desc("draining", "Whether the station is drained, and takes no listeners and sources.")
	drainLeftDesc   = desc("drain_remaining_seconds", "Time until the last listener of a drain ends.")
	clusterDesc     = desc("cluster_connected", "Whether what this node of a cluster knows of the others is of now.")
	clusterNodes    = desc("cluster_nodes", "Other nodes of the cluster.")
	relayDesc       = desc("relay_state", "State of the relay: 1 for the current state.", "mount", "state")
	lagDesc         = desc("relay_lag_seconds", "Time since a playing relay last received sound.", "mount")
	passDesc        = desc("shard_pass_seconds", "Duration of a shard's write pass.")
	delayDesc       = desc("delay_seconds", "Time from a source's data to its last listener of a shard; one stream per pass, at random.")
	queueDesc       = desc("hook_queue_events", "Events in the queues of hooks.", "hook")
	failingDesc     = desc("hook_queue_failing", "Queues of hooks whose first event has failed and is retried.", "hook")
	refusedDesc     = desc("requests_refused_total", "Refused requests, by the status of the answer.", "status")
	lostDesc        = desc("hook_events_lost_total", "Events that hooks lost: the queue was full, the retries ended, or the target refused them.", "hook", "reason")

	allDescs = []*prometheus.Desc{
		listenersDesc, connectionsDesc, endedDesc, sentDesc, receivedDesc, sourcesDesc, upDesc, bitrateDesc, feedDesc, mountSlavesDesc,
		slavesDesc, slaveAgeDesc, slaveHeardDesc, slaveSentDesc, slaveRefDesc, slaveUpDesc, masterUpDesc, masterAgeDesc, refusalsDesc, drainingDesc, drainLeftDesc, clusterDesc, clusterNodes, relayDesc, lagDesc, passDesc, delayDesc, queueDesc, failingDesc, lostDesc, refusedDesc,
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
	for _, st := range state.InForce() {
		c := collection{to: to, station: st.StationName()}
		seen := make(map[string]bool)
		for _, t := range st.Totals() {
			seen[t.Path] = true
			c.mount(t)
		}
		for _, path := range st.Current().Watched() {
			if !seen[path] { // so that an alert can fire before the first source
				c.gauge(upDesc, 0, path)
			}
		}
		c.relays(st)
		c.drain(st.Draining())
		c.cluster(st.Peer())
		c.histogram(passDesc, st.CycleTimes())
		c.histogram(delayDesc, st.Delays())
		c.slaves(st.Slaves().List())
		c.masters(st.Relayer().Masters())
		for status, n := range st.Refusals() {
			c.counter(refusedDesc, n, strconv.Itoa(status))
		}
		for kind, b := range st.HookBacklogs() {
			c.gauge(queueDesc, float64(b.Events), kind)
			c.gauge(failingDesc, float64(b.Failing), kind)
			c.counter(lostDesc, b.Lost, kind, "full")
			c.counter(lostDesc, b.Late, kind, "late")
			c.counter(lostDesc, b.Refused, kind, "refused")
		}
	}
}

// drain adds the state of a drain, which may be nil.
func (c *collection) drain(d *state.Drain) {
	if d == nil {
		c.gauge(drainingDesc, 0)
		return
	}
	c.gauge(drainingDesc, 1)
	c.gauge(drainLeftDesc, max(0, time.Until(d.Until).Seconds()))
}

// cluster adds what a node of a cluster knows; nil: the station is none.
func (c *collection) cluster(n *cluster.Node) {
	if n == nil {
		return
	}
	connected := 0.0
	if n.IsConnected() {
		connected = 1
	}
	c.gauge(clusterDesc, connected)
	c.gauge(clusterNodes, float64(len(n.Nodes())))
}

// collection sends the metrics of one station.
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

// states sends a gauge for each state: 1 for the current one, 0 for the others.
func (c *collection) states(d *prometheus.Desc, mount, is string, all []string) {
	for _, state := range all {
		v := 0.0
		if state == is {
			v = 1
		}
		c.gauge(d, v, mount, state)
	}
}

// otherMounts is the name under which all further mounts are counted together.
const otherMounts = "others"

// usualReasons are reasons for the end of a listener that have a counter from the beginning:
// without one, Prometheus would not see the first increase.
var usualReasons = []streaming.Reason{
	streaming.Disconnected, streaming.Slow, streaming.SourceEnded, streaming.TypeChanged, streaming.TimeLimit,
	streaming.Removed, streaming.ShuttingDown,
}

// mount sends the metrics of a mount.
func (c *collection) mount(t streaming.MountTotals) {
	mount := cmp.Or(t.Path, otherMounts)
	for i, transport := range streaming.Transports {
		if t.Came[i] == 0 {
			continue
		}
		protocol, tls := cmp.Or(transport.Protocol, "other"), strconv.FormatBool(transport.Encrypted)
		c.gauge(listenersDesc, float64(t.Listeners[i]), mount, protocol, tls)
		c.counter(connectionsDesc, t.Came[i], mount, protocol, tls)
	}
	for _, r := range usualReasons {
		c.counter(endedDesc, t.Left[r], mount, r.String())
	}
	c.counter(sentDesc, t.BytesSent, mount)
	c.counter(receivedDesc, t.BytesRead, mount)
	c.counter(sourcesDesc, t.Sources, mount)
	c.gauge(mountSlavesDesc, float64(t.Slaves), mount)
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

// relays sends the metrics of a station's relays.
func (c *collection) relays(st *state.Station) {
	for i, status := range st.Relayer().Statuses() {
		if i >= state.MaxNamed || !utf8.ValidString(status.Mount) { // a master may list any
			continue
		}
		c.states(relayDesc, status.Mount, status.State.String(), relayStates)
		if lag, ok := st.RelayLag(status); ok {
			c.gauge(lagDesc, lag.Seconds(), status.Mount)
		}
	}
}

// relayStates are the states of relays that are shown.
var relayStates = []string{relay.Idle.String(), relay.Dialing.String(), relay.Playing.String(), relay.Waiting.String()}
