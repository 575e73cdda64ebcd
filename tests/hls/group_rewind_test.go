package hls_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

// A group whose mounts all have a rewind has one, too: players begin in it where the query says. Who plays
// already stays the same listener, and is asked for no credentials again.
func TestAGroupHasARewind(t *testing.T) {
	s := harness.Start(t, station("limits {\n\t\tper_ip 1\n\t}\n\tmount /*.aac {\n\t\thls {\n\t\t\tsegment 1s\n\t\t\trewind 10m\n\t\t}\n\t}\n\tmount /plain.aac {\n\t\t"+short+
		"\n\t}\n\thls /live.m3u8 {\n\t\tmounts /high.aac /low.aac\n\t}\n\thls /some.m3u8 {\n\t\tmounts /high.aac /plain.aac\n\t}"))
	s.WaitForLog(map[string]any{"msg": "an HLS group has no rewind, since not all of its mounts have one", "mount": "/some.m3u8"})
	encodeGroup(t, s, map[string]string{"/high.aac": "128k", "/low.aac": "64k", "/plain.aac": "96k"})
	for _, mount := range []string{"/high.aac", "/low.aac", "/plain.aac"} {
		s.WaitForMount(mount)
	}
	const start = "#EXT-X-START"
	for _, c := range []struct{ entry, list, start string }{
		{"/live.m3u8", "index", ""},
		{"/live.m3u8?rewind", "rewind", ""},
		{"/live.m3u8?rewind=30", "rewind", start + ":TIME-OFFSET=-33\n"},
		{"/some.m3u8?rewind=30", "index", ""},
		{"/high.aac.m3u8?rewind=30", "rewind", start + ":TIME-OFFSET=-33\n"},
		{"/plain.aac.m3u8?rewind=30", "index", ""},
	} {
		entry := text(t, get(t, s, c.entry))
		lists, _ := variants(entry)
		for _, list := range lists {
			if !strings.Contains(list, ".hls/"+c.list+".m3u8?s=") {
				t.Errorf("%s has %s", c.entry, list)
			}
		}
		if !strings.Contains(entry, c.start) || c.start == "" && strings.Contains(entry, start) {
			t.Errorf("%s is\n%s", c.entry, entry)
		}
	}
	for _, entry := range []string{"/live.m3u8", "/high.aac.m3u8"} {
		for _, wrong := range []string{"1h", "-1", "86401", "1.5"} {
			resp := get(t, s, entry+"?rewind="+wrong)
			if body, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), "rewind: not a number of seconds; expected one from 0 to 86400") {
				t.Errorf("%s?rewind=%s: %s, %s", entry, wrong, resp.Status, body)
			}
		}
	}
	for _, entry := range []string{"/live.m3u8", "/high.aac.m3u8"} {
		first, _ := variants(text(t, get(t, s, entry)))
		_, id, _ := strings.Cut(first[0], "?s=")
		other, _ := variants(text(t, get(t, s, entry+"?s="+id)))
		if strings.HasSuffix(other[0], id) {
			t.Errorf("%s: a session that has not begun goes on", entry)
		}
		load(t, s, first[0])
		for _, query := range []string{"?rewind&s=", "?s=", "?rewind=20&s="} {
			text := func(at string) string { return text(t, get(t, s, at)) } // of the only listener that per_ip allows
			body := text(entry + query + id)
			_, said, _ := strings.Cut(body, start)
			said, _, _ = strings.Cut(said, "\n")
			lists, _ := variants(body)
			for _, list := range lists {
				if !strings.Contains(list+"&", "?s="+id+"&") {
					t.Errorf("%s%s has %s", entry, query, list)
				}
				for _, update := range []string{"", "&_HLS_skip=YES"} { // the entry and its lists say the same (RFC 8216, 4.3.5)
					if media := text(list + update); said != "" && !strings.Contains(media, start+said+"\n") {
						t.Errorf("%s%s says %q, and %s\n%.400s", entry, query, said, list+update, media)
					}
				}
			}
		}
		if err := answers(get(t, s, other[0]), http.StatusForbidden); err != nil {
			t.Errorf("another listener of the address: %v", err)
		}
		for _, mount := range []string{"/high.aac", "/low.aac"} {
			for _, l := range listeners(s, mount) {
				n, _ := l.Child("ID")
				s.Admin("killclient?mount=" + mount + "&id=" + n.Text)
				s.WaitForListeners(mount, 0)
			}
		}
	}
}
