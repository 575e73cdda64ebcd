package relay

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// Report is the report of a slave to its masters, as JSON. A whole report stands for itself. A
// partial one has what changed since the report before it, and is applied onto that one: see
// Apply. The maps and slices of a report are shared between its readers, and do not change.
type Report struct {
	ID           string   `json:"id"`
	Public       []string `json:"public,omitempty"`   // base URLs for listeners; none: no listeners are sent there
	Region       string   `json:"region,omitempty"`   // empty: unknown
	Capacity     int      `json:"capacity,omitempty"` // listeners; 0: unknown
	Listeners    int      `json:"listeners"`          // now
	MaxBandwidth int      `json:"max_kbps,omitempty"` // kbit/s; 0: unknown
	Kbps         int      `json:"kbps"`               // sent now
	Interval     int      `json:"interval"`           // seconds until the next report
	Refused      int      `json:"refused,omitempty"`  // listeners refused since the last report

	// AsksMaster reports whether the node asks the master about the listeners of protected
	// mounts, so that these may be sent there.
	AsksMaster bool `json:"asks_master,omitempty"`

	// Seq numbers the reports of a slave. A partial report follows the one whose number is
	// less by one. 0: the reports have no numbers, and each is whole.
	Seq     uint64 `json:"seq,omitempty"`
	Partial bool   `json:"partial,omitempty"`
	Leaving bool   `json:"leaving,omitempty"` // the last report: the slave ends

	// Draining reports whether the node is drained, and so takes no listener.
	Draining bool `json:"draining,omitempty"`

	// Mounts has the listeners of each mount that the slave carries; null: it carries all. In
	// a partial report these are the changed ones, and Gone has those that it carries no more.
	Mounts map[string]int `json:"mounts"`
	Gone   []string       `json:"gone,omitempty"`

	// HLS are the mounts that the slave serves by HLS. In a partial report they replace those of the
	// report before; null: they have not changed.
	HLS []string `json:"hls,omitzero"`

	// Room has the places left of the mounts with a limit of their own. In a partial report
	// these are the changed ones; NoLimit stands for a limit that was removed.
	Room map[string]int `json:"room,omitempty"`

	// Below sums up the nodes below this one; nil: there are none. In a partial report it has
	// the changed sums, of which 0 removes one; nil: no sum has changed.
	Below *Sums `json:"sums,omitempty"`

	// Share is the part of what is free that the master may use, of the edges' places as well;
	// nil: all of it.
	Share *Share `json:"share,omitempty"`

	// CountedBy is the id of that master of several which counts this node in the sums of its
	// own reports; empty: each does.
	CountedBy string `json:"counted_by,omitempty"`

	// Edges are the nodes below this one that take listeners. In a partial report they replace
	// those of the report before; null: they have not changed.
	Edges []Edge `json:"edges,omitzero"`
}

// NoLimit is the room of a mount whose limit was removed.
const NoLimit = -1

// Sums are the listeners of some nodes.
type Sums struct {
	Mounts map[string]int `json:"mounts"`         // the sum of each mount
	Nodes  []string       `json:"nodes,omitzero"` // ids that are counted here; null in a partial report: unchanged
}

// Edge is a node that takes listeners of the mounts of the node above it.
type Edge struct {
	ID     string         `json:"id"`
	Public []string       `json:"public"`
	Region string         `json:"region,omitempty"`
	Free   int            `json:"free"`             // places for listeners
	Mounts []string       `json:"mounts,omitempty"` // null: all of the reporting node
	HLS    []string       `json:"hls,omitempty"`    // served by HLS
	Room   map[string]int `json:"room,omitempty"`   // as in a report

	Capacity   int  `json:"capacity,omitempty"` // as in a report, as is AsksMaster
	AsksMaster bool `json:"asks_master,omitempty"`
	Age        int  `json:"age,omitempty"` // milliseconds since its own report
}

// ErrSequence is returned for a partial report that does not follow the last one.
var ErrSequence = errors.New("seq: the report does not follow the last one; expected a whole report")

// plainHost matches a host name or an address, with or without a port.
var plainHost = regexp.MustCompile(`^([\pL\pN._-]+|\[[0-9a-fA-F:.%]+\])(:[0-9]{1,5})?$`)

const (
	maxBase     = 512     // bytes of a URL
	maxReport   = 1 << 20 // bytes
	maxPublic   = 8
	maxInterval = 3600
	maxCount    = 1 << 30
	maxRegion   = 64 // bytes
	maxEdges    = 256
)

const (
	// maxReportAge bounds how long a report counts, whatever its interval is.
	maxReportAge = 30 * time.Second

	// missedReports is how many reports of a slave with numbered ones may fail to arrive.
	missedReports = 3
)

// ReadReport reads and checks a report of at most 1 MiB.
func ReadReport(body io.Reader) (Report, error) {
	var r struct {
		Report
		// Earlier has the listeners by node and mount, as earlier versions report them.
		Earlier map[string]map[string]int `json:"below"`
	}
	limited := &io.LimitedReader{R: body, N: maxReport + 1}
	err := json.NewDecoder(limited).Decode(&r)
	if limited.N <= 0 {
		return Report{}, fmt.Errorf("report: too long; expected at most %d bytes", maxReport)
	}
	if err != nil {
		return Report{}, fmt.Errorf("report: %w", err)
	}
	if r.Below == nil && len(r.Earlier) > 0 {
		if r.Below, err = sumUp(r.Earlier); err != nil {
			return Report{}, err
		}
	}
	return r.Report, r.check()
}

// sumUp returns the sums of the listeners of some nodes.
func sumUp(nodes map[string]map[string]int) (*Sums, error) {
	s := &Sums{Mounts: make(map[string]int)}
	for id, mounts := range nodes {
		if err := checkMounts("below", mounts, 0); err != nil {
			return nil, err
		}
		s.Nodes = append(s.Nodes, id)
		for mount, n := range mounts {
			s.Mounts[mount] = min(s.Mounts[mount]+n, maxCount)
		}
	}
	return s, nil
}

// counts reports for how long a report counts. A slave of an earlier version is given some
// grace, since it only reports when its last request was answered.
func (r *Report) counts() time.Duration {
	interval := min(time.Duration(r.Interval)*time.Second, maxReportAge)
	if r.Seq == 0 {
		return interval + reportGrace
	}
	return min(missedReports*interval+time.Second, maxReportAge+reportGrace)
}

// Apply returns the whole report that r stands for; last is the one before it. The result
// shares the parts that have not changed.
func (r Report) Apply(last Report) (Report, error) {
	if !r.Partial {
		return r, nil
	}
	if r.ID != last.ID || r.Seq == 0 || r.Seq != last.Seq+1 || last.Mounts == nil {
		return Report{}, ErrSequence
	}
	r.Mounts = applyCounts(last.Mounts, r.Mounts, func(int) bool { return false })
	if len(r.Gone) > 0 {
		r.Mounts = maps.Clone(r.Mounts)
		for _, mount := range r.Gone {
			delete(r.Mounts, mount)
		}
	}
	r.Room = applyCounts(last.Room, r.Room, func(n int) bool { return n == NoLimit })
	r.Below = applySums(last.Below, r.Below)
	if r.Edges == nil {
		r.Edges = last.Edges
	}
	if r.HLS == nil {
		r.HLS = last.HLS
	}
	r.Partial, r.Gone = false, nil
	return r, r.checkSize()
}

// applyCounts returns last with the changed counts; removes reports which of them remove one.
func applyCounts(last, changed map[string]int, removes func(n int) bool) map[string]int {
	if len(changed) == 0 {
		return last
	}
	all := make(map[string]int, len(last)+len(changed))
	maps.Copy(all, last)
	for mount, n := range changed {
		if removes(n) {
			delete(all, mount)
		} else {
			all[mount] = n
		}
	}
	return all
}

// applySums returns last with the changed sums.
func applySums(last, changed *Sums) *Sums {
	if changed == nil {
		return last
	}
	if last == nil {
		last = new(Sums)
	}
	s := &Sums{Nodes: changed.Nodes, Mounts: applyCounts(last.Mounts, changed.Mounts, func(n int) bool { return n == 0 })}
	if s.Nodes == nil {
		s.Nodes = last.Nodes
	}
	return s
}

// checkSize returns an error for a report that has grown too long by partial ones.
func (r *Report) checkSize() error {
	size := 0
	counts := []map[string]int{r.Mounts, r.Room}
	if r.Below != nil {
		counts = append(counts, r.Below.Mounts)
	}
	for _, all := range counts {
		for mount := range all {
			size += len(mount) + len(`"":1,`)
		}
	}
	for _, mount := range r.HLS {
		size += len(mount) + len(`"",`)
	}
	if size > maxReport {
		return fmt.Errorf("report: too long with those before; expected at most %d bytes", maxReport)
	}
	return nil
}

// ParseBaseURL checks a URL to which the path of a mount can be appended, and returns it
// without a slash at its end.
func ParseBaseURL(text string) (string, error) {
	if len(text) > maxBase {
		return "", fmt.Errorf("URL of %d bytes; expected at most %d", len(text), maxBase)
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.Opaque != "" ||
		u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.ForceQuery || !plainHost.MatchString(u.Host) {
		return "", fmt.Errorf("%.200q: invalid URL; expected http or https and a host, such as https://radio.example.org", text)
	}
	return u.Scheme + "://" + u.Host + strings.TrimSuffix(u.EscapedPath(), "/"), nil
}
