package handover

import (
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// links returns both ends of a link.
func links(t *testing.T) (older, newer *Link) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	ends := make([]*Link, 2)
	for i, fd := range fds {
		ends[i] = linkOf(t, fd)
	}
	return ends[0], ends[1]
}

func linkOf(t *testing.T, fd int) *Link {
	t.Helper()
	file := os.NewFile(uintptr(fd), "link")
	defer file.Close()
	link, err := linkOver(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = link.Close() })
	return link
}

// descriptors returns how many files this process has open.
func descriptors(t *testing.T) int {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

func TestMessagesLeaveNoDescriptorOpenThatNobodyTakes(t *testing.T) {
	older, newer := links(t)
	file, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	fd := int(file.Fd())
	for name, c := range map[string]struct {
		text  string
		given int // descriptors beside it
		taken bool
	}{
		"a listener":                     {`{"Kind":"listener"}`, 1, true},
		"a listener and two descriptors": {`{"Kind":"listener"}`, 2, true},
		"more descriptors than expected": {`{"Kind":"listener"}`, 40, false},
		"no JSON":                        {`{"Kind":`, 1, false},
		"a field of another type":        {`{"Kind":"mount","Mount":7}`, 1, false},
		"an empty message":               {``, 1, false},
		"a message that is too long":     {`{"Kind":"mount","Address":"` + string(make([]byte, maxMessage)) + `"}`, 1, false},
		"a kind that has no descriptor":  {`{"Kind":"commit"}`, 1, false},
		"an unknown kind":                {`{"Kind":"?"}`, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			fds := make([]int, c.given)
			for i := range fds {
				fds[i] = fd
			}
			before := descriptors(t)
			if _, _, err := older.conn.WriteMsgUnix([]byte(c.text), unix.UnixRights(fds...), nil); err != nil {
				t.Fatal(err)
			}
			_, got, err := newer.Receive(time.Minute)
			if taken := got != nil; taken != c.taken {
				t.Errorf("a descriptor is taken: %v; %v", taken, err)
			}
			if got != nil {
				_ = got.Close()
			}
			if after := descriptors(t); after != before {
				t.Errorf("%d descriptors are open, %d before", after, before)
			}
		})
	}
}

func TestASocketThatIsNoListenerIsClosed(t *testing.T) {
	older, newer := links(t)
	before := descriptors(t)
	path := t.TempDir() + "/socket"
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, 1); err != nil {
		t.Fatal(err)
	}
	file := os.NewFile(uintptr(fd), "listening")
	if err := older.Send(Message{Kind: Socket}, file); err != nil {
		t.Fatal(err)
	}
	_ = file.Close()
	if ln := newer.Listening("127.0.0.1:80"); ln != nil {
		t.Errorf("it is taken as %v", ln.Addr())
	}
	if after := descriptors(t); after != before {
		t.Errorf("%d descriptors are open, %d before", after, before)
	}
}
