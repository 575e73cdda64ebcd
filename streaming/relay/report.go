package relay

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// Report is what a slave tells its masters of itself, as JSON.
type Report struct {
	ID        string         `json:"id"`
	Public    []string       `json:"public,omitempty"`   // base URLs where listeners reach it; none: none are to be sent there
	Capacity  int            `json:"capacity,omitempty"` // listeners; 0: unknown
	Listeners int            `json:"listeners"`          // now
	MaxKbps   int            `json:"max_kbps,omitempty"` // kbit/s; 0: unknown
	Kbps      int            `json:"kbps"`               // sent now
	Interval  int            `json:"interval"`           // seconds until the next report
	Mounts    map[string]int `json:"mounts"`             // that it carries, and their listeners here; null: all

	// Downstream are the listeners of nodes that report to this one, by their ids: a
	// node that reports to several is counted once.
	Downstream map[string]map[string]int `json:"below,omitempty"`
}

// plainHost is a name or an address, with a port or without.
var plainHost = regexp.MustCompile(`^([\pL\pN._-]+|\[[0-9a-fA-F:.%]+\])(:[0-9]{1,5})?$`)

const (
	maxBase     = 512     // bytes of a URL
	maxReport   = 1 << 20 // bytes
	maxPublic   = 8
	maxInterval = 3600
	maxCount    = 1 << 30
)

// ReadReport reads and checks a report.
func ReadReport(body io.Reader) (Report, error) {
	var r Report
	limited := &io.LimitedReader{R: body, N: maxReport + 1}
	err := json.NewDecoder(limited).Decode(&r)
	if limited.N <= 0 {
		return Report{}, fmt.Errorf("a report has %d bytes at most", maxReport)
	}
	if err != nil {
		return Report{}, fmt.Errorf("the report: %w", err)
	}
	return r, r.check()
}

// check refuses what no slave would say.
func (r *Report) check() error {
	if !isID(r.ID) {
		return errors.New("id: letters, digits, dots, colons and dashes, 64 at most")
	}
	if len(r.Public) > maxPublic {
		return fmt.Errorf("public: %d URLs at most", maxPublic)
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
			return fmt.Errorf("a number is from 0 to %d", maxCount)
		}
	}
	if r.Interval < 1 || r.Interval > maxInterval {
		return fmt.Errorf("interval: seconds, from 1 to %d", maxInterval)
	}
	left := maxRelay
	if err := checkMounts(r.Mounts, &left); err != nil {
		return err
	}
	for id, mounts := range r.Downstream {
		if left--; !isID(id) || left < 0 {
			return errors.New("below: the ids of nodes, and not too many")
		}
		if err := checkMounts(mounts, &left); err != nil {
			return err
		}
	}
	return nil
}

// checkMounts refuses what are no mounts with their listeners, or more than are left.
func checkMounts(mounts map[string]int, left *int) error {
	if *left -= len(mounts); *left < 0 {
		return fmt.Errorf("mounts: %d at most", maxRelay)
	}
	for mount, n := range mounts {
		if !isMount(mount) || n < 0 || n > maxCount {
			return fmt.Errorf("mounts: %.100q: %d is no mount with its listeners", mount, n)
		}
	}
	return nil
}

// interval returns how long it is to the next report.
func (r *Report) interval() time.Duration { return time.Duration(r.Interval) * time.Second }

// ParseBaseURL checks a URL to which the path of a mount may be added, and returns it
// without a slash at its end.
func ParseBaseURL(text string) (string, error) {
	if len(text) > maxBase {
		return "", fmt.Errorf("a URL has %d bytes at most; this one has %d", maxBase, len(text))
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.Opaque != "" ||
		u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.ForceQuery || !plainHost.MatchString(u.Host) {
		return "", fmt.Errorf("%.200q: write http or https and a host, such as https://edge1.example.org", text)
	}
	return u.Scheme + "://" + u.Host + strings.TrimSuffix(u.EscapedPath(), "/"), nil
}
