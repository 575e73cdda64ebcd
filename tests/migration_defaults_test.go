package tests

import (
	"errors"
	"fmt"
	"testing"
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
	tell(t, defaultsXML, nil, func(s *tale) {
		back, stays, backup := s.numberedSource("/back.mp3", 1), s.numberedSource("/stays.mp3", 2), s.numberedSource("/backup.mp3", 3)
		w, v := s.witness("/back.mp3", http1, false), s.witness("/stays.mp3", http1, false)
		hears(t, "one", 1, w)
		hears(t, "the other", 2, v)
		s.say("X-Station: %s", w.header.Get("X-Station"))
		s.say("X-Pattern: %q, %q", w.header.Get("X-Pattern"), v.header.Get("X-Pattern"))
		for _, mount := range []string{"/back.mp3", "/stays.mp3"} {
			source, _ := s.adminSays("stats").source(mount)
			for _, name := range []string{"server_name", "genre", "max_listeners"} {
				value, _ := source.child(name)
				s.say("%s of %s: %s", name, mount, value.Text)
			}
		}
		stays.down()
		hears(t, "the other without its source", 3, v)
		stays.up()
		newcomer := s.newcomer("/stays.mp3", 2)
		hears(t, "the other, which stays", 3, v)
		for _, l := range []*witness{v, newcomer} { // icecast2 would pull the other along to the one
			l.stop()
			<-l.ended
		}
		back.down()
		hears(t, "one without its source", 3, w)
		back.up()
		hears(t, "one with it again", 1, w)
		w.stop()
		for _, n := range []*numberedSource{back, stays, backup} {
			n.down()
		}
	})
}

// newcomer listens to a mount whose source is there again. Who comes in the moment between
// the answer to the source and its first frame may be given the fallback, and stays with it.
func (t *tale) newcomer(path string, id uint64) (w *witness) {
	t.t.Helper()
	eventually(t.t, fmt.Sprintf("who comes then hears %d", id), func() error {
		w = t.witness(path, http1, false)
		eventually(t.t, "who comes then hears something", func() error {
			if w.heard.Load() == 0 {
				return errors.New("silence")
			}
			return nil
		})
		if got := w.heard.Load(); got != id {
			w.stop()
			<-w.ended
			return fmt.Errorf("it is %d", got)
		}
		return nil
	})
	return w
}
