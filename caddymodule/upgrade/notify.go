package upgrade

import (
	"net"
	"os"
	"strconv"
)

// notifyMainPID tells systemd which process the service is from now on (sd_notify(3)).
func notifyMainPID(pid int) {
	path := os.Getenv("NOTIFY_SOCKET")
	if path == "" {
		return
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = conn.Write([]byte("MAINPID=" + strconv.Itoa(pid) + "\nREADY=1"))
}
