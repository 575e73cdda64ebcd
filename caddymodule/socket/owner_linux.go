package socket

import (
	"fmt"
	"net"
	"slices"

	"github.com/prometheus/procfs"
)

// stateListen is TCP_LISTEN of the kernel.
const stateListen = 10

// OwnerOf returns another process that listens at an address, or at all addresses with its
// port; nil: there is none, or the system does not tell.
func OwnerOf(address *net.TCPAddr) *Owner {
	fs, err := procfs.NewDefaultFS()
	if err != nil {
		return nil
	}
	others := listeners(fs, address)
	if len(others) == 0 {
		return nil
	}
	if own, err := fs.Self(); err == nil {
		others = slices.DeleteFunc(others, func(link string) bool { return has(own, []string{link}) })
	}
	if len(others) == 0 {
		return nil
	}
	return find(fs, others)
}

// listeners returns the sockets that listen at an address, as the links in /proc/<pid>/fd.
func listeners(fs procfs.FS, address *net.TCPAddr) (links []string) {
	v4, _ := fs.NetTCP()  //nolint:staticcheck // SA1019: netlink is faster, but this is done once
	v6, _ := fs.NetTCP6() //nolint:staticcheck // SA1019: see above
	for _, line := range slices.Concat(v4, v6) {
		if line.St == stateListen && overlaps(address, line.LocalAddr, int(line.LocalPort)) {
			links = append(links, fmt.Sprintf("socket:[%d]", line.Inode))
		}
	}
	return links
}

// find returns the process that has one of some sockets, as far as this user may see that.
func find(fs procfs.FS, links []string) *Owner {
	all, _ := fs.AllProcs()
	for _, p := range all {
		if has(p, links) {
			name, _ := p.Comm()
			return &Owner{PID: p.PID, Name: name}
		}
	}
	return new(Owner)
}

// has reports whether a process has one of some sockets.
func has(p procfs.Proc, links []string) bool {
	targets, _ := p.FileDescriptorTargets()
	return slices.ContainsFunc(targets, func(target string) bool { return slices.Contains(links, target) })
}
