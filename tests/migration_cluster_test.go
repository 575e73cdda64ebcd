package tests

import (
	"errors"
	"net/http"
	"strings"
	"testing"
)

const masterXML = `<icecast>
	<limits><clients>100</clients><sources>10</sources></limits>
	<authentication>
		<source-password>hackme</source-password><relay-password>pullme</relay-password>
		<admin-user>admin</admin-user><admin-password>letmein</admin-password>
	</authentication>
	<hostname>127.0.0.1</hostname>
	<listen-socket><port>PORT</port><bind-address>127.0.0.1</bind-address></listen-socket>
	<mount><mount-name>/secret.mp3</mount-name><hidden>1</hidden></mount>
	<paths>
		<logdir>DIR</logdir><webroot>/usr/share/icecast2/web</webroot><adminroot>/usr/share/icecast2/admin</adminroot>
	</paths>
	<logging><accesslog>access.log</accesslog><errorlog>error.log</errorlog><loglevel>3</loglevel></logging>
	<security><chroot>0</chroot>OWNER</security>
</icecast>`

// slaveXML is a slave's, and its fallback one of its own. How long listeners wait for a link
// is Icecast-KH's to say; icecast2 takes no notice.
const slaveXML = `<icecast>
	<limits><clients>100</clients><sources>10</sources></limits>
	<authentication>
		<source-password>hackme</source-password>
		<admin-user>admin</admin-user><admin-password>letmein</admin-password>
	</authentication>
	<hostname>127.0.0.1</hostname>
	<listen-socket><port>PORT</port><bind-address>127.0.0.1</bind-address></listen-socket>
	<master-server>127.0.0.1</master-server>
	<master-server-port>MASTER</master-server-port>
	<master-update-interval>1</master-update-interval>
	<master-password>pullme</master-password>
	<relays-on-demand>DEMAND</relays-on-demand>
	<mount>
		<mount-name>/live.mp3</mount-name>
		<fallback-mount>/local.mp3</fallback-mount>
		<fallback-override>1</fallback-override>
		<linger-for>1</linger-for>
	</mount>
	<paths>
		<logdir>DIR</logdir><webroot>/usr/share/icecast2/web</webroot><adminroot>/usr/share/icecast2/admin</adminroot>
	</paths>
	<logging><accesslog>access.log</accesslog><errorlog>error.log</errorlog><loglevel>3</loglevel></logging>
	<security><chroot>0</chroot>OWNER</security>
</icecast>`

// A master and a slave are each of them icecast2 or caddycast, by the same files.
func TestAMasterAndASlaveRunAsTheyAre(t *testing.T) {
	program(t, "icecast2")
	for _, pair := range []struct{ master, slave, demand string }{
		{"icecast2", "icecast2", "0"},
		{"icecast2", "caddycast", "0"},
		{"caddycast", "icecast2", "0"},
		{"caddycast", "caddycast", "0"},
		{"icecast2", "caddycast", "1"},
		{"caddycast", "caddycast", "1"},
	} {
		t.Run(pair.master+" and "+pair.slave+", on demand "+pair.demand, func(t *testing.T) {
			t.Parallel()
			run := func(name, xml string) *server {
				s := &server{t: t, plain: freeAddress(t)}
				servers[name](s, xml, publicDir(t))
				return s
			}
			master := run(pair.master, masterXML)
			slave := run(pair.slave, strings.NewReplacer("MASTER", port(master.plain), "DEMAND", pair.demand).Replace(slaveXML))
			live, secret := master.numberedSource("/live.mp3", 1), master.numberedSource("/secret.mp3", 2)
			local := slave.numberedSource("/local.mp3", 3)
			eventually(t, "the fallback is on the air", slave.answersOn("/live.mp3"))
			w := slave.witness("/live.mp3", http1ic, false)
			hears(t, "at the slave", 1, w)
			if err := slave.answersOn("/secret.mp3")(); err == nil {
				t.Error("a hidden mount is at the slave, too")
			}
			if pair.demand == "0" {
				live.down()
				hears(t, "without the master's source", 3, w)
				live.up()
				hears(t, "with the master's source again", 1, w)
			}
			w.stop()
			for _, n := range []*numberedSource{live, secret, local} {
				n.down()
			}
		})
	}
}

// answersOn tells whether a mount can be heard.
func (s *server) answersOn(mount string) func() error {
	return func() error {
		resp, err := http.Get("http://" + s.plain + mount)
		if err != nil {
			return err
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return errors.New(resp.Status)
		}
		return nil
	}
}
