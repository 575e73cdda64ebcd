package handover

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// variable is where the newer process finds the number of its descriptor.
	variable = "CADDYCAST_HANDOVER"

	// maxMessage bounds a message, in bytes.
	maxMessage = 128 << 10

	// answerTime bounds an answer that needs no work.
	answerTime = 10 * time.Second
)

// Link is one end of the link.
type Link struct {
	conn *net.UnixConn
	buf  []byte
	took atomic.Bool
}

// Pair makes a pair of connected sockets, of which one is for the other process.
func Pair() (local net.Conn, remote *os.File, err error) { return pair(unix.SOCK_STREAM) }

func pair(kind int) (local net.Conn, remote *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, kind|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("making a pair of sockets: %w", err)
	}
	own, other := os.NewFile(uintptr(fds[0]), "handover"), os.NewFile(uintptr(fds[1]), "handover")
	defer own.Close()
	if local, err = net.FileConn(own); err != nil {
		_ = other.Close()
		return nil, nil, err
	}
	return local, other, nil
}

// Start starts a program that is to take this process's place, and returns the link to it.
func Start(cmd *exec.Cmd) (*Link, error) {
	local, remote, err := pair(unix.SOCK_SEQPACKET)
	if err != nil {
		return nil, err
	}
	defer remote.Close()
	cmd.ExtraFiles = append(cmd.ExtraFiles, remote)
	cmd.Env = append(cmd.Environ(), variable+"="+strconv.Itoa(2+len(cmd.ExtraFiles)))
	if err := cmd.Start(); err != nil {
		_ = local.Close()
		return nil, err
	}
	return newLink(local), nil
}

func newLink(conn net.Conn) *Link {
	return &Link{conn: conn.(*net.UnixConn), buf: make([]byte, maxMessage)}
}

// Predecessor returns the link to the process whose place this one takes; nil: there is none.
var Predecessor = sync.OnceValue(func() *Link {
	text, ok := os.LookupEnv(variable)
	if !ok {
		return nil
	}
	_ = os.Unsetenv(variable) // programs of hooks are no successors
	fd, err := strconv.Atoi(text)
	if err != nil || fd < 3 {
		return nil
	}
	unix.CloseOnExec(fd)
	file := os.NewFile(uintptr(fd), "handover")
	defer file.Close()
	link, err := linkOver(file)
	if err != nil {
		return nil
	}
	return link
})

// linkOver returns the link at a descriptor, which may be closed then.
func linkOver(file *os.File) (*Link, error) {
	conn, err := net.FileConn(file)
	if err != nil {
		return nil, err
	}
	if _, ok := conn.(*net.UnixConn); !ok {
		_ = conn.Close()
		return nil, fmt.Errorf("handover: %T; expected a Unix socket", conn)
	}
	return newLink(conn), nil
}

// Send sends a message, and a descriptor if file is not nil. The file stays open here.
func (l *Link) Send(m Message, file *os.File) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if len(text) > maxMessage {
		return fmt.Errorf("message of kind %s: %d bytes; expected %d at most", m.Kind, len(text), maxMessage)
	}
	_ = l.conn.SetWriteDeadline(time.Now().Add(answerTime))
	if file == nil {
		_, err = l.conn.Write(text)
		return err
	}
	raw, err := file.SyscallConn() // file.Fd would make the socket block
	if err != nil {
		return err
	}
	if outer := raw.Control(func(fd uintptr) { _, _, err = l.conn.WriteMsgUnix(text, unix.UnixRights(int(fd)), nil) }); outer != nil {
		return outer
	}
	return err
}

// Receive returns the next message, and the connection or the listening socket beside it, or nil. The
// error is io.EOF if the other process has ended. What comes beside a message that has none, or with an
// error, is closed.
func (l *Link) Receive(within time.Duration) (m Message, file *os.File, err error) {
	deadline := time.Time{}
	if within > 0 {
		deadline = time.Now().Add(within)
	}
	_ = l.conn.SetReadDeadline(deadline)
	rights := make([]byte, unix.CmsgSpace(4))
	n, oobn, flags, _, err := l.conn.ReadMsgUnix(l.buf, rights)
	if err != nil {
		return m, nil, err
	}
	file, err = received(rights[:oobn])
	if err == nil {
		m, err = decode(l.buf[:n], flags)
	}
	if file != nil && (err != nil || !m.hasFile()) {
		_ = file.Close()
		file = nil
	}
	return m, file, err
}

// decode reads a message that came with flags of recvmsg(2).
func decode(text []byte, flags int) (m Message, err error) {
	switch {
	case flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0:
		return m, errors.New("message cut off")
	case len(text) == 0:
		return m, io.EOF
	}
	return m, json.Unmarshal(text, &m)
}

// received returns the first descriptor in control messages, nil if there is none, and closes all
// others: the kernel has opened each of them here.
func received(control []byte) (file *os.File, err error) {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return nil, err
	}
	for i := range messages {
		fds, _ := unix.ParseUnixRights(&messages[i]) // others have none
		for _, fd := range fds {
			if file != nil {
				_ = unix.Close(fd)
				continue
			}
			unix.CloseOnExec(fd)
			file = os.NewFile(uintptr(fd), "handed over")
		}
	}
	return file, nil
}

// Listening asks the older process for its listening socket at an address; nil: it has none.
func (l *Link) Listening(address string) *net.TCPListener {
	if l.took.Load() {
		return nil
	}
	if err := l.Send(Message{Kind: Socket, Address: address}, nil); err != nil {
		return nil
	}
	_, file, err := l.Receive(answerTime)
	if err != nil || file == nil {
		return nil
	}
	defer file.Close()
	ln, err := net.FileListener(file)
	if err != nil {
		return nil
	}
	tcp, ok := ln.(*net.TCPListener)
	if !ok {
		_ = ln.Close()
	}
	return tcp
}

// Took notes that this process has taken the place: Listening returns nil from then on.
func (l *Link) Took() { l.took.Store(true) }

// Close ends the link.
func (l *Link) Close() error { return l.conn.Close() }
