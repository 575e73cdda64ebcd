package harness

import (
	"bufio"
	"fmt"
	"io"
	"net/http"

	"github.com/caddycast/caddycast/internal/numbered"
)

// SourceSpan is the distance between the frame numbers of different sources.
const SourceSpan = 1 << 32

// NumberedSource is a source whose frames carry its id: frame n is number id*SourceSpan+n.
type NumberedSource struct {
	*Source
	s    *Server
	path string
	id   uint64

	header string // more lines of its request
	MayEnd bool   // the server may end it
	Stop   chan struct{}
	Done   <-chan struct{}
}

// NumberedSource connects a source with an id, which sends at the speed of its sound.
func (s *Server) NumberedSource(path string, id uint64) *NumberedSource {
	n := &NumberedSource{s: s, path: path, id: id}
	n.Up()
	return n
}

// Up connects the source, which sends at the speed of its sound, and returns when the
// server plays it.
func (n *NumberedSource) Up() {
	n.s.T.Helper()
	var sent uint64
	if n.Source != nil {
		sent = n.Next.Load() % SourceSpan
	}
	Eventually(n.s.T, n.path+" is free", func() error {
		conn := n.s.Dial(false)
		_, _ = io.WriteString(conn, "SOURCE "+n.path+" HTTP/1.0\r\n"+BasicAuth("source", "hackme")+"Content-Type: audio/mpeg\r\n"+n.header+"\r\n")
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil { // icecast2 forgets a connection at times
			_ = conn.Close()
			return err
		}
		if resp.StatusCode != http.StatusOK {
			_ = conn.Close()
			return fmt.Errorf("answered %s", resp.Status)
		}
		n.Source = &Source{T: n.s.T, Out: conn, MayEnd: n.MayEnd, Finish: func() { _ = conn.Close() }}
		return nil
	})
	n.Next.Store(n.id*SourceSpan + sent)
	n.Stop = make(chan struct{})
	n.Send(4)
	n.Done = n.Run(numbered.Duration, n.Stop)
	n.s.waitForSource(n.path)
}

// Down ends the source in the middle of a frame.
func (n *NumberedSource) Down() {
	close(n.Stop)
	<-n.Done
	_, _ = n.Out.Write([]byte{0xff, 0xfb, 0x90, 0xc4, 1, 2, 3})
	n.Finish()
}

// DescribedSource is a NumberedSource that sends every field of Icecast about itself.
func (s *Server) DescribedSource(path string, id uint64) *NumberedSource {
	s.T.Helper()
	n := &NumberedSource{s: s, path: path, id: id, MayEnd: true, header: "ice-name: Name <&>\r\nice-description: Description\r\nice-genre: rock\r\nice-url: http://example.test/\r\n" +
		"ice-bitrate: 64\r\nice-public: 1\r\nice-audio-info: bitrate=64;samplerate=44100;channels=1;quality=3%2e5\r\nUser-Agent: test/1\r\n"}
	n.Up()
	return n
}

// Abandon ends the source, which the server may have ended already.
func (n *NumberedSource) Abandon() {
	close(n.Stop)
	<-n.Done
	n.Finish()
}
