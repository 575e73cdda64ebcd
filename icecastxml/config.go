package icecastxml

import "slices"

// config is the content of an icecast.xml, in Icecast's terms.
type config struct {
	identity []*directive // of the station
	serverID setting[string]

	limits           limits
	anonymousAllowed bool // by a role of 2.5
	source           setting[string]
	relay            login
	admin            login
	sockets          []*socket

	shoutcastMount setting[string]

	headers []header
	mounts  []*mount
	relays  []*relay
	master  master
	hooks   []*directive // of the station
	clients []*directive // allow and deny lists

	fileserve setting[bool]
	hls       setting[bool] // of all mounts
	paths     paths
	logging   logging
}

// login is a user and a password.
type login struct {
	user, password setting[string]
}

// limits are the limits of the server. Icecast's defaults apply to unset ones.
type limits struct {
	clients, sources, listeners  setting[int]
	queue, burst                 setting[int]
	headerTimeout, sourceTimeout setting[int]
	burstOnConnect               setting[bool]
	bandwidth                    setting[string]
}

// Icecast's defaults.
const (
	defaultClients        = 256
	defaultSources        = 16
	defaultQueue          = 512_000
	defaultBurst          = 65_536
	defaultHeaderTimeout  = 15
	defaultUpdateInterval = 120
	defaultPort           = 8000
	defaultShoutcastMount = "/stream"
)

// socket is a <listen-socket>.
type socket struct {
	line      int
	port      setting[int]
	host      setting[string]
	tls       setting[bool]
	shoutcast setting[string] // the mount of SHOUTcast v1 sources on the next port
	compat    setting[bool]   // SHOUTcast v1 sources use this port
	cert, key setting[string]
}

// header is a header field of responses.
type header struct {
	line                int
	name, value, status string
	cors                bool // only for requests with an Origin
}

// mount is a <mount>, for one name or for a pattern.
type mount struct {
	line      int
	name      setting[string]
	byDefault bool // type="default"

	settings []*directive // settings that need no further conversion

	user, password          setting[string]
	fallback, intro         setting[string]
	override                setting[bool]
	onConnect, onDisconnect setting[string]
	authLine                int
	headers                 []header
}

// relay is a <relay>: a mount with upstreams.
type relay struct {
	line                 int
	local                setting[string]
	onDemand, sendTitles setting[bool]
	enabled              setting[bool]
	user, password       setting[string]
	upstreams            []*upstream
}

// upstream is a server that a relay pulls from.
type upstream struct {
	line         int
	server, path setting[string]
	port         setting[int]
	tls          setting[bool]
	uri          setting[string]
}

// master is the server that a slave pulls all mounts from.
type master struct {
	server, user, password setting[string]
	port, interval         setting[int]
	tls, onDemand          setting[bool]
	redirect               setting[bool]
}

// paths is the content of <paths> and <security>.
type paths struct {
	basedir, webroot, logdir setting[string]
	cert, key                setting[string]
	chroot                   setting[bool]
	aliases                  []alias
	proxies                  []setting[string]
}

// alias is an <alias> or a <resource>.
type alias struct {
	line                int
	source, to          string
	port, host, virtual string
}

// logging is the content of <logging>.
type logging struct {
	access, errors, playlist logFile
	level                    setting[string]
	size                     setting[int]
	archive                  setting[bool]
	line                     int
}

// logFile is one of the logs; only Icecast-KH has size and archive.
type logFile struct {
	name    setting[string]
	size    setting[int]
	archive setting[bool]
}

// khElements are elements that only Icecast-KH has. In its files the default of
// fallback-override is on.
var khElements = []string{
	"max-bandwidth", "x-forwarded-for", "deny-agents", "ban-client", "wait-time", "linger-for", "limit-rate",
	"run-on", "retry-delay", "inactivity-timeout", "filter-theora", "ogg-passthrough", "min-queue-size",
	"skip-accesslog", "intro-skip-replay", "redirect-to", "master-redirect", "max-redirect-slaves", "hijack",
}

// usesKH reports whether an element or one of its descendants is in khElements.
func usesKH(e *element) bool {
	return slices.Contains(khElements, e.name) || slices.ContainsFunc(e.children, usesKH)
}
