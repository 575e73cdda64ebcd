package icecastxml

import "slices"

// config is what stands in a file, in Icecast's terms.
type config struct {
	identity []*directive // of the station
	serverID setting[string]

	limits           limits
	anonymousAllowed bool // by a role of 2.5, to who has not logged in
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
	clients []*directive // who is let in

	fileserve setting[bool]
	paths     paths
	logging   logging
}

// login is a user and what it must know.
type login struct {
	user, password setting[string]
}

// limits are those of the server. What is not set is as Icecast has it.
type limits struct {
	clients, sources, listeners  setting[int]
	queue, burst                 setting[int]
	headerTimeout, sourceTimeout setting[int]
	burstOnConnect               setting[bool]
	bandwidth                    setting[string]
}

// What Icecast takes for limits that are not set.
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

// socket is where the server listens.
type socket struct {
	line      int
	port      setting[int]
	host      setting[string]
	tls       setting[bool]
	shoutcast setting[string] // the mount of SHOUTcast v1 sources at the port above
	compat    setting[bool]   // such sources come to this very port
	cert, key setting[string]
}

// header is a field that answers have.
type header struct {
	line                int
	name, value, status string
}

// mount is what is set for a mount, or for those that a pattern fits.
type mount struct {
	line      int
	name      setting[string]
	byDefault bool // type="default"

	settings []*directive // what is the same in a Caddyfile

	user, password          setting[string]
	fallback, intro         setting[string]
	override                setting[bool]
	onConnect, onDisconnect setting[string]
	authLine                int
	headers                 []header
}

// relay is a mount that is pulled from elsewhere.
type relay struct {
	line                 int
	local                setting[string]
	onDemand, sendTitles setting[bool]
	enabled              setting[bool]
	user, password       setting[string]
	upstreams            []*upstream
}

// upstream is where a relay pulls from.
type upstream struct {
	line         int
	server, path setting[string]
	port         setting[int]
	tls          setting[bool]
	uri          setting[string]
}

// master is where a slave pulls all mounts from.
type master struct {
	server, user, password setting[string]
	port, interval         setting[int]
	tls, onDemand          setting[bool]
	redirect               setting[bool]
}

// paths are where things lie.
type paths struct {
	basedir, webroot, logdir setting[string]
	cert, key                setting[string]
	chroot                   setting[bool]
	aliases                  []alias
	proxies                  []setting[string]
}

// alias is another name for a path.
type alias struct {
	line                int
	source, to          string
	port, host, virtual string
}

// logging is what is written down where.
type logging struct {
	access, errors, playlist logFile
	level                    setting[string]
	size                     setting[int]
	archive                  setting[bool]
	line                     int
}

// logFile is one of the logs; size and archive are Icecast-KH's.
type logFile struct {
	name    setting[string]
	size    setting[int]
	archive setting[bool]
}

// khElements are elements by which a file of Icecast-KH is known. Its mounts have
// fallback-override on by default.
var khElements = []string{
	"max-bandwidth", "x-forwarded-for", "deny-agents", "ban-client", "wait-time", "linger-for", "limit-rate",
	"run-on", "retry-delay", "inactivity-timeout", "filter-theora", "ogg-passthrough", "min-queue-size",
	"skip-accesslog", "intro-skip-replay", "redirect-to", "master-redirect", "max-redirect-slaves", "hijack",
}

// usesKH tells whether an element, or one below it, is Icecast-KH's.
func usesKH(e *element) bool {
	return slices.Contains(khElements, e.name) || slices.ContainsFunc(e.children, usesKH)
}
