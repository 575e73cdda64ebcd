package access

import (
	"bufio"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"

	"github.com/gaissmai/bart"
	"go.uber.org/zap"
)

const (
	maxListFile = 16 << 20 // bytes of a file of addresses or agents
	maxListLine = 4 << 10
)

// networks are addresses and networks. The zero value is empty.
type networks struct{ table bart.Lite }

func (n *networks) add(p netip.Prefix) { n.table.Insert(p) }

// find returns the length of the most specific network of an address, -1 if there is none.
func (n *networks) find(ip netip.Addr) int {
	ip = ip.Unmap().WithZone("")
	if !ip.IsValid() {
		return -1
	}
	p, ok := n.table.LookupPrefixLPM(netip.PrefixFrom(ip, ip.BitLen()))
	if !ok {
		return -1
	}
	return p.Bits()
}

// ParseNetwork parses an address or a network, also one with stars in place of its last
// numbers.
func ParseNetwork(text string) (netip.Prefix, error) {
	if ip, err := netip.ParseAddr(text); err == nil {
		ip = ip.Unmap().WithZone("")
		return netip.PrefixFrom(ip, ip.BitLen()), nil
	}
	if p, err := netip.ParsePrefix(text); err == nil {
		if p.Addr().Is4In6() {
			if p.Bits() < 96 {
				return netip.Prefix{}, fmt.Errorf("invalid address %.100q; %w", text, errNotAnAddress)
			}
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		return p.Masked(), nil
	}
	if p, ok := parseStars(text); ok {
		return p, nil
	}
	return netip.Prefix{}, fmt.Errorf("invalid address %.100q; %w", text, errNotAnAddress)
}

// parseStars parses the form of Icecast-KH's lists: 192.0.2.* or 192.0.*.
func parseStars(text string) (netip.Prefix, bool) {
	parts := strings.Split(text, ".")
	fixed := len(parts)
	for fixed > 0 && parts[fixed-1] == "*" {
		fixed--
	}
	if fixed == 0 || fixed == len(parts) || len(parts) > 4 {
		return netip.Prefix{}, false
	}
	ip, err := netip.ParseAddr(strings.Join(parts[:fixed], ".") + strings.Repeat(".0", 4-fixed))
	if err != nil {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(ip, 8*fixed), true
}

// networksReader returns a function that reads a file of addresses. Invalid lines are ignored,
// and logged.
func networksReader(log *zap.Logger) func(path string) (*networks, error) {
	return func(path string) (*networks, error) {
		all, wrong := new(networks), []string(nil)
		err := eachLine(path, func(line string) {
			line, _, _ = strings.Cut(line, "#")
			line = strings.TrimSpace(line)
			if line == "" {
				return
			}
			p, err := ParseNetwork(line)
			if err == nil {
				all.add(p)
			} else if len(wrong) < 5 {
				wrong = append(wrong, err.Error())
			}
		})
		if err == nil && len(wrong) > 0 {
			log.Warn("invalid lines of an address list are ignored", zap.String("file", path), zap.Strings("lines", wrong))
		}
		return all, err
	}
}

// eachLine reads a list line by line.
func eachLine(path string, do func(line string)) error {
	f, err := os.Open(path) //nolint:gosec // G304: the path is the configuration's
	if err != nil {
		return err
	}
	defer f.Close()
	r := &io.LimitedReader{R: f, N: maxListFile + 1}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxListLine)
	for lines.Scan() {
		do(strings.TrimPrefix(lines.Text(), "\ufeff"))
	}
	if r.N <= 0 {
		return fmt.Errorf("%s: list too long; expected at most %d bytes", path, maxListFile)
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
