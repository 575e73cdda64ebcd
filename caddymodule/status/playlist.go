package status

import (
	"cmp"
	"encoding/xml"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/caddycast/caddycast/caddymodule/mountpath"
	"github.com/caddycast/caddycast/caddymodule/request"
	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/streaming/relay"
)

// listed is what a playlist contains of a mount.
type listed struct {
	name, description, genre string
	bitrate, page, image     string
	artist, title            string
	contentType, subtype     string
}

// playlists are the kinds of playlists of a mount, by extension.
var playlists = map[string]struct {
	contentType string
	write       func(what listed, urls []string) string
}{
	".m3u":  {"audio/x-mpegurl", m3u},
	".xspf": {"application/xspf+xml", xspf},
	".vclt": {"audio/x-vclt; charset=UTF-8", vclt},
}

// playlist returns the mount and the kind if a path is that of a playlist.
func (p *Pages) playlist(at string) (mount, kind string, ok bool) {
	kind = path.Ext(at)
	mount = strings.TrimSuffix(at, kind)
	_, known := playlists[kind]
	return mount, kind, known && p.station.Has(mount)
}

// servePlaylist answers with a mount's playlist: its URLs with the scheme of the request.
// Slaves of a master with room are first, since players begin there.
func (p *Pages) servePlaylist(w http.ResponseWriter, r *request.Facts, mount, kind string) error {
	var urls []string
	if p.station.IsMaster && p.station.Policy(mount).ListenURL == "" {
		for _, base := range p.station.Slaves().Ranked(relay.PickQuery{Mount: mount, Scheme: r.Scheme, Protected: p.station.IsProtected(mount), Region: p.station.RegionOf(r.Request)}) {
			urls = append(urls, base+mountpath.Escape(mount))
		}
	}
	urls = append(urls, p.station.ListenURL(r, mount))
	format := playlists[kind]
	return response.Answer(w, r.Request, http.StatusOK, format.contentType, format.write(p.listed(mount), urls))
}

// listed returns the content of a mount's playlist, whether or not it has a source.
func (p *Pages) listed(mount string) listed {
	info := p.station.Policy(mount).Engine.StreamInfo
	l := listed{contentType: info.ContentType}
	if m := p.station.Mount(mount); m != nil {
		if s := m.Status(); s.OnAir {
			info, l.contentType, l.artist, l.title = s.Stream.Info, s.Stream.Type, s.Metadata.Artist, s.Metadata.Title
			l.image = imageURL(s.Metadata.URL)
		}
	}
	l.bitrate, l.page = info.Bitrate, info.URL
	l.name, l.description, l.genre, l.subtype = cmp.Or(info.Name, mount), info.Description, info.Genre, info.Subtype
	return l
}

// imageURL returns a StreamUrl if it is that of an image, as a cover is; else nothing.
func imageURL(streamURL string) string {
	u, err := url.Parse(streamURL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" ||
		!slices.Contains([]string{".jpg", ".jpeg", ".png", ".gif", ".webp"}, strings.ToLower(path.Ext(u.Path))) {
		return ""
	}
	return streamURL
}

// m3u is a list of URLs.
func m3u(_ listed, urls []string) string { return strings.Join(urls, "\r\n") + "\r\n" }

// xspf is an XSPF playlist, version 1, with one track that has one or several URLs. The
// annotation has the lines of Icecast's.
func xspf(what listed, urls []string) string {
	type track struct {
		Location   []string `xml:"location"`
		Title      string   `xml:"title"`
		Creator    string   `xml:"creator,omitempty"`
		Annotation string   `xml:"annotation"`
		Info       string   `xml:"info,omitempty"`
		Image      string   `xml:"image,omitempty"`
	}
	var about []string
	for _, f := range [][2]string{
		{"Stream Title", what.name},
		{"Stream Description", what.description},
		{"Content Type", what.contentType},
		{"Bitrate", what.bitrate},
		{"Stream Genre", what.genre},
	} {
		if f[1] != "" {
			about = append(about, f[0]+": "+f[1])
		}
	}
	list := struct {
		XMLName xml.Name `xml:"http://xspf.org/ns/0/ playlist"`
		Version int      `xml:"version,attr"`
		Title   string   `xml:"title"`
		Tracks  []track  `xml:"trackList>track"`
	}{Version: 1, Title: what.name, Tracks: []track{{
		Location:   urls,
		Title:      cmp.Or(what.title, what.name),
		Creator:    what.artist,
		Annotation: strings.Join(about, "\n"),
		Info:       what.page,
		Image:      what.image,
	}}}
	body, err := xml.MarshalIndent(list, "", "  ")
	if err != nil {
		return "" // texts and numbers can be written
	}
	return xml.Header + string(body) + "\n"
}

// vclt is a list of streams in lines like Vorbis comments, one for each URL, as Icecast writes
// it. No text has a line end, since all texts from outside are cleaned on input.
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
