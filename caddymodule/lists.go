package caddymodule

import (
	"cmp"
	"encoding/xml"
	"net"
	"net/http"
	"path"
	"strings"

	"github.com/caddycast/caddycast/caddymodule/mountpath"
	"github.com/caddycast/caddycast/caddymodule/response"
)

// listed is what a playlist says of a mount.
type listed struct {
	name, description, genre string
	artist, title            string
	contentType, subtype     string
}

// playlists are the kinds of playlists that a mount has, by what follows its name.
var playlists = map[string]struct {
	contentType string
	write       func(what listed, urls []string) string
}{
	".m3u":  {"audio/x-mpegurl", m3u},
	".xspf": {"application/xspf+xml", xspf},
	".vclt": {"audio/x-vclt; charset=UTF-8", vclt},
}

// playlist returns the mount and the kind if a path is that of a playlist.
func (s *Station) playlist(p string) (mount, kind string, ok bool) {
	kind = path.Ext(p)
	mount = strings.TrimSuffix(p, kind)
	_, known := playlists[kind]
	return mount, kind, known && s.knows(mount)
}

// servePlaylist answers a mount's playlist: where it is heard, by the scheme that the
// request came by. Slaves with room are first, since players begin there.
func (h *Handler) servePlaylist(w http.ResponseWriter, r *http.Request) error {
	mount, kind, _ := h.station.playlist(r.URL.Path)
	var urls []string
	for _, base := range h.station.live.slaves.Ranked(mount, response.Scheme(r)) {
		urls = append(urls, base+mountpath.Escape(mount))
	}
	urls = append(urls, h.station.baseURL(r)+mountpath.Escape(mount))
	p := playlists[kind]
	return response.Answer(w, r, http.StatusOK, p.contentType, p.write(h.station.listed(mount), urls))
}

// listed returns what there is to say of a mount, live or not.
func (s *Station) listed(mount string) listed {
	info := s.live.SettingsOf(mount).StreamInfo
	l := listed{contentType: info.ContentType}
	if m := s.live.Mount(mount); m != nil {
		if stream, ok := m.Stream(); ok {
			meta := m.Metadata()
			info, l.contentType, l.artist, l.title = stream.Info, stream.Type, meta.Artist, meta.Title
		}
	}
	l.name, l.description, l.genre, l.subtype = cmp.Or(info.Name, mount), info.Description, info.Genre, info.Subtype
	return l
}

// m3u is a list of URLs.
func m3u(_ listed, urls []string) string { return strings.Join(urls, "\r\n") + "\r\n" }

// xspf is an XSPF playlist, version 1, with one track that has a place or several.
func xspf(what listed, urls []string) string {
	type track struct {
		Location []string `xml:"location"`
		Title    string   `xml:"title"`
	}
	list := struct {
		XMLName xml.Name `xml:"http://xspf.org/ns/0/ playlist"`
		Version int      `xml:"version,attr"`
		Title   string   `xml:"title"`
		Tracks  []track  `xml:"trackList>track"`
	}{Version: 1, Title: what.name, Tracks: []track{{urls, what.name}}}
	body, err := xml.MarshalIndent(list, "", "  ")
	if err != nil {
		return "" // texts and numbers can be written
	}
	return xml.Header + string(body) + "\n"
}

// vclt is a list of streams in lines that look like Vorbis comments, one for each URL, as
// Icecast writes it. No text has a line end: what comes from outside is cleaned on its way in.
func vclt(what listed, urls []string) string {
	signal := ""
	if strings.Contains(what.contentType, "ogg") {
		signal = "codec:ogg_general"
		if what.subtype == "Vorbis" {
			signal = "codec:ogg_vorbis"
		}
	}
	var b strings.Builder
	for _, u := range urls {
		b.WriteString("STREAMURL=" + u + "\n")
		for _, f := range [][2]string{{"ARTIST", what.artist}, {"TITLE", what.title}, {"SERVER_NAME", what.name}, {"DESCRIPTION", what.description}} {
			if f[1] != "" {
				b.WriteString(f[0] + "=" + f[1] + "\n")
			}
		}
		b.WriteString("SIGNALINFO=" + signal + "\n")
		if what.genre != "" {
			b.WriteString("GENRE=" + what.genre)
		}
		b.WriteString("\n==\n")
	}
	return b.String()
}

// baseURL returns where listeners reach the station, without a path: by the
// scheme and port of the request, and by the station's host name if it has one.
func (s *Station) baseURL(r *http.Request) string {
	host := response.AskedHost(r)
	if hostname := s.hostnameOver(response.Scheme(r)); hostname != "" {
		_, port, err := net.SplitHostPort(host)
		host = hostname
		if _, _, own := net.SplitHostPort(host); own != nil && err == nil {
			host += ":" + port
		}
	}
	return response.Scheme(r) + "://" + host
}

// hostnameOver returns the station's host name for URLs of a scheme: with its port if it has
// one, unless that is only for the other scheme.
func (s *Station) hostnameOver(scheme string) string {
	host, port, err := net.SplitHostPort(s.Hostname)
	switch {
	case err != nil || s.reign.sites.mayBe(port, scheme):
		return s.Hostname
	case strings.Contains(host, ":"):
		return "[" + host + "]"
	}
	return host
}
