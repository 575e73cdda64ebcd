package relay

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// check returns an error if a value is out of its bounds. It replaces the URLs by those that
// ParseBaseURL returns.
func (r *Report) check() error {
	if err := checkID("id", r.ID); err != nil {
		return err
	}
	for _, n := range []int{r.Capacity, r.Listeners, r.MaxBandwidth, r.Kbps, r.Refused} {
		if n < 0 || n > maxCount {
			return fmt.Errorf("report: number %d out of range; expected 0 to %d", n, maxCount)
		}
	}
	if r.Interval < 1 || r.Interval > maxInterval {
		return fmt.Errorf("interval: %d out of range; expected 1 to %d seconds", r.Interval, maxInterval)
	}
	if r.CountedBy != "" {
		if err := checkID("counted_by", r.CountedBy); err != nil {
			return err
		}
	}
	if r.Partial && r.Seq == 0 {
		return errors.New("seq: missing; expected a number in a partial report")
	}
	if err := checkPlace("", r.Public, r.Region); err != nil {
		return err
	}
	if err := r.Share.check(); err != nil {
		return err
	}
	return r.checkLists()
}

// checkLists checks the mounts, sums and edges. It sorts the mounts of HLS.
func (r *Report) checkLists() error {
	slices.Sort(r.HLS)
	least := 0
	if r.Partial {
		least = NoLimit
	}
	if err := checkMounts("mounts", r.Mounts, 0); err != nil {
		return err
	}
	if err := cmp.Or(checkPaths("gone", r.Gone), checkPaths("hls", r.HLS)); err != nil {
		return err
	}
	if err := checkMounts("room", r.Room, least); err != nil {
		return err
	}
	if r.Below != nil {
		if err := checkMounts("sums", r.Below.Mounts, 0); err != nil {
			return err
		}
		for _, id := range r.Below.Nodes {
			if err := checkID("sums", id); err != nil {
				return err
			}
		}
	}
	return r.checkEdges()
}

func (r *Report) checkEdges() error {
	if len(r.Edges) > maxEdges {
		return fmt.Errorf("edges: %d nodes; expected at most %d", len(r.Edges), maxEdges)
	}
	for i := range r.Edges {
		e := &r.Edges[i]
		if err := checkID("edges", e.ID); err != nil {
			return err
		}
		if err := checkPlace("edges: ", e.Public, e.Region); err != nil {
			return err
		}
		for _, n := range []int{e.Free, e.Capacity, e.Age} {
			if n < 0 || n > maxCount {
				return fmt.Errorf("edges: number %d out of range; expected 0 to %d", n, maxCount)
			}
		}
		if err := cmp.Or(checkPaths("edges", e.Mounts), checkPaths("edges", e.HLS)); err != nil {
			return err
		}
		slices.Sort(e.HLS)
		if err := checkMounts("edges", e.Room, 0); err != nil {
			return err
		}
	}
	return nil
}

// checkPlace checks the URLs of a node, which it replaces by their short forms, and its region.
func checkPlace(where string, public []string, region string) error {
	if len(public) > maxPublic {
		return fmt.Errorf("%spublic: %d URLs; expected at most %d", where, len(public), maxPublic)
	}
	for i, p := range public {
		base, err := ParseBaseURL(p)
		if err != nil {
			return fmt.Errorf("%spublic: %w", where, err)
		}
		public[i] = base
	}
	if !IsRegion(region) && region != "" {
		return fmt.Errorf("%sregion: invalid %.100q; expected up to %d letters, digits, dots and dashes", where, region, maxRegion)
	}
	return nil
}

// IsRegion reports whether a text is the name of a region, such as eu-west.
func IsRegion(name string) bool {
	return len(name) <= maxRegion && isID(name) && !strings.Contains(name, ":")
}

func checkID(where, id string) error {
	if !isID(id) {
		return fmt.Errorf("%s: invalid %.100q; expected up to %d letters, digits, dots, colons and dashes", where, id, maxID)
	}
	return nil
}

// checkMounts checks mounts and their numbers, which are not less than least.
func checkMounts(where string, mounts map[string]int, least int) error {
	for mount, n := range mounts {
		if !IsMount(mount) || n < least || n > maxCount {
			return fmt.Errorf("%s: invalid entry %.100q: %d; expected the path of a mount and its number", where, mount, n)
		}
	}
	return nil
}

func checkPaths(where string, mounts []string) error {
	for _, mount := range mounts {
		if !IsMount(mount) {
			return fmt.Errorf("%s: invalid %.100q; expected the path of a mount", where, mount)
		}
	}
	return nil
}
