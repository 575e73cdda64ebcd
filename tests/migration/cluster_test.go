package migration

import (
	"net/http"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
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
	harness.Program(t, "icecast2")
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
			run := func(name, xml string) *harness.Server {
				s := &harness.Server{T: t, Plain: harness.FreeAddress(t)}
				servers[name](s, xml, harness.PublicDir(t))
				return s
			}
			master := run(pair.master, masterXML)
			slave := run(pair.slave, strings.NewReplacer("MASTER", harness.Port(master.Plain), "DEMAND", pair.demand).Replace(slaveXML))
			live, secret := master.NumberedSource("/live.mp3", 1), master.NumberedSource("/secret.mp3", 2)
			local := slave.NumberedSource("/local.mp3", 3)
			harness.Eventually(t, "the fallback is heard", func() error { return slave.CheckAnswer(http.MethodGet, "/live.mp3", http.StatusOK) })
			w := slave.ListenVerifying("/live.mp3", harness.HTTP1Metadata, false)
			harness.WaitForSource(t, "at the slave", 1, w)
			if err := slave.CheckAnswer(http.MethodGet, "/secret.mp3", http.StatusOK); err == nil {
				t.Error("a hidden mount is at the slave, too")
			}
			if pair.demand == "0" {
				live.Down()
				harness.WaitForSource(t, "without the master's source", 3, w)
				live.Up()
				harness.WaitForSource(t, "with the master's source again", 1, w)
			}
			w.Stop()
			for _, n := range []*harness.NumberedSource{live, secret, local} {
				n.Down()
			}
		})
	}
}
