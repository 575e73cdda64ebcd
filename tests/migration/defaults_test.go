package migration

import (
	"errors"
	"fmt"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

// defaultsXML has a default mount, one for a pattern, and mounts that set some of the same.
const defaultsXML = `<icecast>
	<limits><clients>100</clients><sources>10</sources></limits>
	<authentication>
		<source-password>hackme</source-password>
		<admin-user>admin</admin-user><admin-password>letmein</admin-password>
	</authentication>
	<hostname>127.0.0.1</hostname>
	<listen-socket><port>PORT</port><bind-address>127.0.0.1</bind-address></listen-socket>
	<mount>
		<mount-name>/back.mp3</mount-name>
		<fallback-override>1</fallback-override>
		<stream-name>{env.HOME} {file./etc/hostname}</stream-name>
		<max-listeners>-1</max-listeners>
	</mount>
	<mount>
		<stream-name>of a mount that has no name</stream-name>
		<max-listeners>3</max-listeners>
	</mount>
	<mount>
		<mount-name>/sta[xy]s*</mount-name>
		<http-headers><header name="X-Pattern" value="yes"/></http-headers>
	</mount>
	<mount type="default">
		<fallback-mount>/backup.mp3</fallback-mount>
		<genre>Jazz</genre>
		<stream-name>any</stream-name>
		<max-listeners>7</max-listeners>
	</mount>
	<paths>
		<logdir>DIR</logdir><webroot>/usr/share/icecast2/web</webroot><adminroot>/usr/share/icecast2/admin</adminroot>
	</paths>
	<logging><accesslog>access.log</accesslog><errorlog>error.log</errorlog><loglevel>3</loglevel></logging>
	<http-headers><header name="X-Station" value="{path} {env.HOME}"/></http-headers>
	<security><chroot>0</chroot>OWNER</security>
</icecast>`

// What a mount sets counts before what the default mount does, and braces are braces.
func TestAMountCountsBeforeTheDefaultOfAnIcecastXML(t *testing.T) {
	compare(t, defaultsXML, nil, func(s *comparison) {
		back, stays, backup := s.NumberedSource("/back.mp3", 1), s.NumberedSource("/stays.mp3", 2), s.NumberedSource("/backup.mp3", 3)
		w, v := s.ListenVerifying("/back.mp3", harness.HTTP1, false), s.ListenVerifying("/stays.mp3", harness.HTTP1, false)
		harness.WaitForSource(t, "one", 1, w)
		harness.WaitForSource(t, "the other", 2, v)
		s.say("X-Station: %s", w.Header.Get("X-Station"))
		s.say("X-Pattern: %q, %q", w.Header.Get("X-Pattern"), v.Header.Get("X-Pattern"))
		for _, mount := range []string{"/back.mp3", "/stays.mp3"} {
			source, _ := s.Admin("stats").Source(mount)
			for _, name := range []string{"server_name", "genre", "max_listeners"} {
				value, _ := source.Child(name)
				s.say("%s of %s: %s", name, mount, value.Text)
			}
		}
		stays.Down()
		harness.WaitForSource(t, "the other without its source", 3, v)
		stays.Up()
		newcomer := s.newcomer("/stays.mp3", 2)
		harness.WaitForSource(t, "the other, which stays", 3, v)
		for _, l := range []*harness.VerifyingListener{v, newcomer} { // icecast2 would pull the other along to the one
			l.Stop()
			<-l.Ended
		}
		back.Down()
		harness.WaitForSource(t, "one without its source", 3, w)
		back.Up()
		harness.WaitForSource(t, "one with it again", 1, w)
		w.Stop()
		for _, n := range []*harness.NumberedSource{back, stays, backup} {
			n.Down()
		}
	})
}

// newcomer listens to a mount whose source is there again. Who comes in the moment between
// the answer to the source and its first frame may be given the fallback, and stays with it.
func (t *comparison) newcomer(path string, id uint64) (w *harness.VerifyingListener) {
	t.T.Helper()
	harness.Eventually(t.T, fmt.Sprintf("a new listener hears %d", id), func() error {
		w = t.ListenVerifying(path, harness.HTTP1, false)
		harness.Eventually(t.T, "a new listener hears something", func() error {
			if w.HeardSource.Load() == 0 {
				return errors.New("silence")
			}
			return nil
		})
		if got := w.HeardSource.Load(); got != id {
			w.Stop()
			<-w.Ended
			return fmt.Errorf("it is %d", got)
		}
		return nil
	})
	return w
}
