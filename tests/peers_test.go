package tests

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// peerXML is a configuration of icecast2, with more in place of MORE.
const peerXML = `<icecast>
	<hostname>127.0.0.1</hostname>
	<limits><clients>100</clients><sources>20</sources><source-timeout>10</source-timeout></limits>
	<authentication>
		<source-password>hackme</source-password>
		<relay-password>pullme</relay-password>
		<admin-user>admin</admin-user><admin-password>letmein</admin-password>
	</authentication>
	<listen-socket><port>PORT</port><bind-address>127.0.0.1</bind-address></listen-socket>
	MORE
	<paths>
		<logdir>DIR</logdir><webroot>/usr/share/icecast2/web</webroot><adminroot>/usr/share/icecast2/admin</adminroot>
	</paths>
	<logging><accesslog>access.log</accesslog><errorlog>error.log</errorlog><loglevel>4</loglevel></logging>
	<security><chroot>0</chroot>OWNER</security>
</icecast>`

// peer runs icecast2 with these lines in its configuration.
func peer(t *testing.T, more string) *server {
	t.Helper()
	return icecast2(t, strings.ReplaceAll(peerXML, "MORE", more), publicDir(t))
}

// retitleAs sets a title as the admin does.
func (s *server) retitleAs(mount, song string) {
	s.t.Helper()
	req, err := http.NewRequest(http.MethodGet, "http://"+s.plain+"/admin/metadata?mode=updinfo&mount="+mount+"&song="+strings.ReplaceAll(song, " ", "%20"), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	req.SetBasicAuth("admin", "letmein")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		s.t.Fatalf("setting a title is answered %s", resp.Status)
	}
}

// titled waits until a mount has a title.
func (s *server) titled(mount, want string) {
	s.t.Helper()
	eventually(s.t, fmt.Sprintf("%s is titled %s", mount, want), func() error {
		if _, title := s.title(mount); title != want {
			return fmt.Errorf("it is %q", title)
		}
		return nil
	})
}

// caddycast as the slave of Debian's icecast2: all mounts, always or on demand, with
// their titles, and Ogg with its chains.
func TestIcecastIsOurMaster(t *testing.T) {
	for _, demand := range []string{"", "on_demand"} {
		t.Run("slave "+demand, func(t *testing.T) {
			master := peer(t, "")
			live := master.numberedSource("/live.mp3", 1)
			defer live.down()
			chain := byOggfwd("oggenc -Q -o - A; oggenc -Q -o - B")
			chain(t, master, "/chain.ogg")
			c := newCluster(t, "edge")
			edge := c.nodes["edge"]
			c.load(map[string]string{"edge": `
				role slave {
					master http://` + master.plain + `
					password pullme
					interval 1s
					` + demand + `
				}
				mount /chain.ogg {
					linger 0s
				}`})
			all := edge.onSlave("/live.mp3")
			hears(t, "at home", 1, all...)
			master.retitleAs("/live.mp3", "Singer - Song")
			edge.titled("/live.mp3", "Singer - Song")

			edge.eventuallyOn("/chain.ogg")
			file := edge.record("/chain.ogg", "application/ogg")
			decodes(t, file)

			late := master.numberedSource("/late.mp3", 2)
			defer late.down()
			hears(t, "what came later", 2, edge.onSlave("/late.mp3")...)
			whole(t, all...)
		})
	}
}

// Debian's icecast2 as our slave, and as a relay of one mount.
func TestIcecastIsOurSlave(t *testing.T) {
	s := start(t, station)
	live := s.numberedSource("/live.mp3", 1)
	defer live.down()
	chain := byOggfwd("oggenc -Q -o - A; oggenc -Q -o - B")
	chain(t, s, "/chain.ogg")
	s.listening("/chain.ogg")
	slave := peer(t, `
		<master-server>127.0.0.1</master-server>
		<master-server-port>`+port(s.plain)+`</master-server-port>
		<master-update-interval>1</master-update-interval>
		<master-username>relay</master-username>
		<master-password>pullme</master-password>`)
	relay := peer(t, `
		<relay>
			<server>127.0.0.1</server><port>`+port(s.plain)+`</port>
			<mount>/live.mp3</mount><local-mount>/relayed.mp3</local-mount>
			<on-demand>0</on-demand><relay-shoutcast-metadata>1</relay-shoutcast-metadata>
		</relay>`)
	for _, at := range []struct {
		*server
		mount string
	}{{slave, "/live.mp3"}, {relay, "/relayed.mp3"}} {
		eventually(t, at.mount+" is on icecast2", func() error {
			if at.sourceOn(at.mount)["server_type"] == nil {
				return fmt.Errorf("there is %v", at.sourceOn(at.mount))
			}
			return nil
		})
		w := at.witness(at.mount, http1ic, false)
		hears(t, "at icecast2", 1, w)
		s.retitleAs("/live.mp3", "By way of "+at.mount)
		at.titled(at.mount, "By way of "+at.mount)
		whole(t, w)
	}
	eventually(t, "the chain is on icecast2", func() error {
		if slave.sourceOn("/chain.ogg")["server_type"] == nil {
			return fmt.Errorf("there is nothing")
		}
		return nil
	})
	file := slave.record("/chain.ogg", "application/ogg")
	decodes(t, file)
}
