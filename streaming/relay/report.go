package relay

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// Report is the report of a slave to its masters, as JSON.
type Report struct {
	ID        string         `json:"id"`
	Public    []string       `json:"public,omitempty"`   // base URLs for listeners; none: no listeners are sent there
	Capacity  int            `json:"capacity,omitempty"` // listeners; 0: unknown
	Listeners int            `json:"listeners"`          // now
	MaxKbps   int            `json:"max_kbps,omitempty"` // kbit/s; 0: unknown
	Kbps      int            `json:"kbps"`               // sent now
	Interval  int            `json:"interval"`           // seconds until the next report
	Mounts    map[string]int `json:"mounts"`             // the listeners of each mount that it carries; null: it carries all

	// Downstream has the listeners of the nodes that report to this one, by their ids, so
	// that a node that reports to several is counted once.
	Downstream map[string]map[string]int `json:"below,omitempty"`
}

// plainHost matches a host name or an address, with or without a port.
var plainHost = regexp.MustCompile(`^([\pL\pN._-]+|\[[0-9a-fA-F:.%]+\])(:[0-9]{1,5})?$`)

const (
	maxBase     = 512     // bytes of a URL
	maxReport   = 1 << 20 // bytes
	maxPublic   = 8
	maxInterval = 3600
	maxCount    = 1 << 30
)

// ReadReport reads and checks a report of at most 1 MiB.
func ReadReport(body io.Reader) (Report, error) {
	var r Report
	limited := &io.LimitedReader{R: body, N: maxReport + 1}
	err := json.NewDecoder(limited).Decode(&r)
	if limited.N <= 0 {
		return Report{}, fmt.Errorf("report: too long; expected at most %d bytes", maxReport)
	}
	if err != nil {
		return Report{}, fmt.Errorf("report: %w", err)
	}
	return r, r.check()
}

// check returns an error if a value is out of its bounds.
func (r *Report) check() error {
	if !isID(r.ID) {
		return fmt.Errorf("id: invalid %.100q; expected up to %d letters, digits, dots, colons and dashes", r.ID, maxID)
	}
	if len(r.Public) > maxPublic {
		return fmt.Errorf("public: %d URLs; expected at most %d", len(r.Public), maxPublic)
	}
	for i, p := range r.Public {
		base, err := ParseBaseURL(p)
		if err != nil {
			return fmt.Errorf("public: %w", err)
		}
		r.Public[i] = base
	}
	for _, n := range []int{r.Capacity, r.Listeners, r.MaxKbps, r.Kbps} {
		if n < 0 || n > maxCount {
			return fmt.Errorf("report: number %d out of range; expected 0 to %d", n, maxCount)
		}
	}
	if r.Interval < 1 || r.Interval > maxInterval {
		return fmt.Errorf("interval: %d out of range; expected 1 to %d seconds", r.Interval, maxInterval)
	}
	left := maxMounts
	if err := checkMounts(r.Mounts, &left); err != nil {
		return err
	}
	for id, mounts := range r.Downstream {
		if !isID(id) {
			return fmt.Errorf("below: invalid id %.100q; expected up to %d letters, digits, dots, colons and dashes", id, maxID)
		}
		if left--; left < 0 {
			return fmt.Errorf("below: too many nodes and mounts; expected at most %d", maxMounts)
		}
		if err := checkMounts(mounts, &left); err != nil {
			return err
		}
	}
	return nil
}

// checkMounts checks mounts and their listeners. It takes their number from left.
func checkMounts(mounts map[string]int, left *int) error {
	if *left -= len(mounts); *left < 0 {
		return fmt.Errorf("mounts: too many; expected at most %d", maxMounts)
	}
	for mount, n := range mounts {
		if !isMount(mount) || n < 0 || n > maxCount {
			return fmt.Errorf("mounts: invalid entry %.100q: %d; expected the path of a mount and its listeners", mount, n)
		}
	}
	return nil
}

// interval returns the time until the next report.
func (r *Report) interval() time.Duration { return time.Duration(r.Interval) * time.Second }

// ParseBaseURL checks a URL to which the path of a mount can be appended, and returns it
// without a slash at its end.
func ParseBaseURL(text string) (string, error) {
	if len(text) > maxBase {
		return "", fmt.Errorf("URL of %d bytes; expected at most %d", len(text), maxBase)
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.Opaque != "" ||
		u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.ForceQuery || !plainHost.MatchString(u.Host) {
		return "", fmt.Errorf("%.200q: invalid URL; expected http or https and a host, such as https://edge1.example.org", text)
	}
	return u.Scheme + "://" + u.Host + strings.TrimSuffix(u.EscapedPath(), "/"), nil
}
