package caddymodule_test

import (
	"testing"

	"github.com/caddycast/caddycast/caddymodule/moduletest"
)

// provisionErrors are wrong settings of a station in JSON, each with the whole text of its error,
// which names the mount or block and the setting.
var provisionErrors = []struct{ name, station, want string }{
	{
		"a charset that nobody knows", `{"mounts": [{"path": "/live.mp3", "charset": "klingon"}]}`,
		`mount /live.mp3: charset "klingon": unknown; expected one such as utf-8 or iso-8859-1`,
	},
	{
		"metadata more often than is allowed", `{"mounts": [{"path": "/live.mp3", "metadata_interval": 255}]}`,
		`mount /live.mp3: metadata_interval 255: out of range; expected a number of bytes from 256 to 1048576, or 0 for no metadata`,
	},
	{
		"metadata more seldom than is allowed", `{"mounts": [{"path": "/live.mp3", "metadata_interval": 1048577}]}`,
		`mount /live.mp3: metadata_interval 1048577: out of range; expected a number of bytes from 256 to 1048576, or 0 for no metadata`,
	},
	{
		"metadata at a negative interval", `{"mounts": [{"path": "/live.mp3", "metadata_interval": -1}]}`,
		`mount /live.mp3: metadata_interval -1: out of range; expected a number of bytes from 256 to 1048576, or 0 for no metadata`,
	},
	{
		"a password from a variable that is not set", `{"source_password": {"password": "{env.SURELY_UNSET}"}}`,
		`source_password: evaluated placeholder {env.SURELY_UNSET} is empty`,
	},
	{
		"a password from a placeholder that is none", `{"admin_password": {"password": "{hackme}"}}`,
		`admin_password: unrecognized placeholder {hackme}`,
	},
	{
		"a user from a variable that is not set", `{"relay_password": {"user": "{env.SURELY_UNSET}", "password": "hackme"}}`,
		`relay_password: user: evaluated placeholder {env.SURELY_UNSET} is empty`,
	},
	{
		"a password of a mount from a variable that is not set",
		`{"mounts": [{"path": "/live.mp3", "source_password": {"password": "{env.SURELY_UNSET}"}}]}`,
		`mount /live.mp3: source_password: evaluated placeholder {env.SURELY_UNSET} is empty`,
	},
	{
		"a credential without a password", `{"source_password": {"user": "dj"}}`,
		`source_password: empty password; expected one, or no source_password`,
	},
	{
		"a user with a colon", `{"source_password": {"user": "dj:one", "password": "hackme"}}`,
		`source_password: invalid user "dj:one"; expected a name without a colon`,
	},
	{
		"a bcrypt hash that is none", `{"source_password": {"password": "$2a$14$abc"}}`,
		`source_password: invalid bcrypt hash; expected one of caddy hash-password`,
	},
	{
		"an argon2id hash that is none", `{"admin_password": {"password": "$argon2id$abc"}}`,
		`admin_password: invalid argon2id hash; expected one of caddy hash-password`,
	},
	{
		"an argon2id hash whose key was cut off",
		`{"admin_password": {"password": "$argon2id$v=19$m=47104,t=1,p=1$P2nzckEdTZ3bxCiBCkRTyA$"}}`,
		`admin_password: invalid argon2id hash; expected one of caddy hash-password`,
	},
	{
		"a mount that is null", `{"mounts": [null]}`,
		`mounts: entry 1 is null; expected an object with a path`,
	},
	{
		"a mount without a path", `{"mounts": [{"hidden": true}]}`,
		`mount "": path does not begin with a slash; expected one such as /live.mp3`,
	},
	{
		"a mount without a slash", `{"mounts": [{"path": "live.mp3"}]}`,
		`mount "live.mp3": path does not begin with a slash; expected one such as /live.mp3`,
	},
	{
		"a mount twice", `{"mounts": [{"path": "/live.mp3"}, {"path": "/live.mp3"}]}`,
		`mount /live.mp3: duplicate mount; expected all its settings in one block`,
	},
	{
		"a pattern that is none", `{"mounts": [{"path": "/*["}]}`,
		`mount "/*[": invalid pattern; expected a "]" after each "[", and a character after each backslash`,
	},
	{
		"a fallback that is null", `{"mounts": [{"path": "/live.mp3", "fallbacks": [null]}]}`, // it was a panic
		`mount /live.mp3: fallback: not an object; expected one such as {"kind": "mount", "mount": "/backup.mp3"}`,
	},
	{
		"a latency that is too long", `{"limits": {"latency": "6s"}}`,
		`limits: latency: value 6s out of range; expected at most 5s`,
	},
	{
		"a negative number of listeners", `{"mounts": [{"path": "/live.mp3", "max_listeners": -1}]}`,
		`mount /live.mp3: max_listeners: negative value -1; expected 0 or more`,
	},
	{
		"a negative time", `{"mounts": [{"path": "/live.mp3", "linger": "-5s"}]}`,
		`mount /live.mp3: linger: negative value -5s; expected 0 or more`,
	},
	{
		"a negative burst", `{"mounts": [{"path": "/live.mp3", "burst": {"bytes": -1}}]}`,
		`mount /live.mp3: burst: bytes: negative value -1; expected 0 or more`,
	},
	{
		"a queue that is too long", `{"mounts": [{"path": "/live.mp3", "queue": 1073741825}]}`,
		`mount /live.mp3: queue: value 1073741825 out of range; expected at most 1073741824`,
	},
	{
		"a negative limit", `{"limits": {"sources": -1}}`,
		`limits: sources: negative value -1; expected 0 or more`,
	},
	{
		"a negative burst as the default", `{"limits": {"burst": {"time": -1}}}`,
		`limits: burst: time: negative value -1ns; expected 0 or more`,
	},
	{
		"an auth module that is unknown", `{"mounts": [{"path": "/live.mp3", "auth": {"kind": "ldap"}}]}`,
		`mount /live.mp3: auth: loading module 'ldap': unknown module: icecast.auth.ldap`,
	},
	{
		"htpasswd without a file", `{"mounts": [{"path": "/live.mp3", "auth": {"kind": "htpasswd"}}]}`,
		`mount /live.mp3: auth: loading module 'htpasswd': provision icecast.auth.htpasswd: htpasswd: missing file; expected a path such as /etc/caddy/members`,
	},
	{
		"a fallback of an unknown kind", `{"mounts": [{"path": "/live.mp3", "fallbacks": [{"kind": "tape"}]}]}`,
		`mount /live.mp3: fallback: position 0: loading module 'tape': unknown module: icecast.fallbacks.tape`,
	},
	{
		"a fallback mount without a slash", `{"mounts": [{"path": "/live.mp3", "fallbacks": [{"mount": "backup"}]}]}`,
		`mount /live.mp3: fallback: position 0: loading module 'mount': icecast.fallbacks.mount: invalid configuration: fallback "backup": path does not begin with a slash; expected one such as /live.mp3`,
	},
	{
		"a fallback of no files", `{"mounts": [{"path": "/live.mp3", "fallbacks": [{"kind": "file"}]}]}`,
		`mount /live.mp3: fallback: position 0: loading module 'file': icecast.fallbacks.file: invalid configuration: fallback file: no file; expected a path such as /srv/loop.mp3`,
	},
	{
		"a hook of the station without events", `{"on": [{"do": {"kind": "exec", "command": ["/bin/true"]}}]}`,
		`on: missing events; expected at least one, such as source_connected`,
	},
	{
		"a hook of a mount without events", `{"mounts": [{"path": "/live.mp3", "on": [{"do": {"kind": "exec", "command": ["/bin/true"]}}]}]}`,
		`mount /live.mp3: on: missing events; expected at least one, such as source_connected`,
	},
	{
		"a hook of a mount for an event of the station", `{"mounts": [{"path": "/live.mp3", "on": [{"events": ["slave_joined"], "do": {"kind": "exec"}}]}]}`,
		`mount /live.mp3: on slave_joined: an event of the station; expected in the station's block, not in mount`,
	},
	{
		"a hook of an unknown kind", `{"mounts": [{"path": "/live.mp3", "on": [{"events": ["source_connected"], "do": {"kind": "fax"}}]}]}`,
		`mount /live.mp3: on: loading module 'fax': unknown module: icecast.hooks.fax`,
	},
	{
		"a dump with an unknown verb", `{"mounts": [{"path": "/live.mp3", "dump": {"pattern": "/srv/%Q.mp3"}}]}`,
		`mount /live.mp3: dump: "/srv/%Q.mp3": unknown placeholder %Q; expected %Y %m %d %H %M %S %j %F %T %z or another one of strftime`,
	},
	{
		"a dump that is rotated too often", `{"mounts": [{"path": "/live.mp3", "dump": {"pattern": "/srv/%F.mp3", "rotate_every": "1ms"}}]}`,
		`mount /live.mp3: dump: rotate_every 1ms: too short; expected 1s or more`,
	},
	{
		"a dump with an unknown fsync", `{"mounts": [{"path": "/live.mp3", "dump": {"pattern": "/srv/%F.mp3", "fsync": "x"}}]}`,
		`mount /live.mp3: dump: fsync "x": unknown; expected close, off, or a time such as 10s`,
	},
	{
		"a negative rotation", `{"mounts": [{"path": "/live.mp3", "dump": {"pattern": "/srv/%F.mp3", "rotate_every": "-1s"}}]}`,
		`mount /live.mp3: dump: rotate_every -1s: too short; expected 1s or more`,
	},
	{
		"an unknown source_tls", `{"mounts": [{"path": "/live.mp3", "source_tls": "maybe"}]}`,
		`mount /live.mp3: source_tls "maybe": unknown; expected required, or off`,
	},
	{
		"a relay that is null", `{"relays": [null]}`, `relays: entry 1 is null; expected an object with a mount and upstreams`,
	},
	{
		"a relay without a mount", `{"relays": [{"upstreams": ["http://x/y"]}]}`, `relay "": path does not begin with a slash; expected one such as /live.mp3`,
	},
	{
		"a relay without upstreams", `{"relays": [{"mount": "/jazz.mp3"}]}`, `relay /jazz.mp3: no upstream; expected the URL of a stream`,
	},
	{
		"a relay of a pattern", `{"relays": [{"mount": "/*", "upstreams": ["http://x/y"]}]}`, `relay /*: a pattern; expected the path of one mount (role slave has patterns)`,
	},
	{
		"a relay twice", `{"relays": [{"mount": "/a", "upstreams": ["http://x/y"]}, {"mount": "/a", "upstreams": ["http://x/y"]}]}`, `relay /a: duplicate relay; expected all its URLs in one line`,
	},
	{
		"an upstream from a variable that is not set", `{"relays": [{"mount": "/a", "upstreams": ["{env.SURELY_UNSET}"]}]}`, `relay /a: {env.SURELY_UNSET}: evaluated placeholder {env.SURELY_UNSET} is empty`,
	},
	{
		"a password of a relay from a variable that is not set",
		`{"relays": [{"mount": "/a", "upstreams": ["http://x/y"], "password": "{env.SURELY_UNSET}"}]}`, `relay /a: password: evaluated placeholder {env.SURELY_UNSET} is empty`,
	},
	{
		"a redirect that is unknown", `{"master": {"redirect": "always"}}`, `role master: redirect "always": unknown; expected off, when_full or balance`,
	},
	{
		"a slave of a master without a name", `{"master": {"slaves": [{"secret": "s"}]}}`, `role master: slaves: empty name; expected one such as edge1`,
	},
	{
		"a slave of a master without a secret", `{"master": {"slaves": [{"name": "edge1"}]}}`, `role master: slave edge1: empty secret; expected one (is its environment variable set?)`,
	},
	{
		"a slave of a master that is null", `{"master": {"slaves": [null]}}`, `role master: slaves: entry 1 is null; expected an object with a name and a secret`,
	},
	{
		"a slave of a master with the user of the relay password", `{"relay_password": {"password": "p"}, "master": {"slaves": [{"name": "relay", "secret": "s"}]}}`,
		`role master: slave relay: its name is that of another slave or the user of relay_password; expected another one`,
	},
	{
		"a slave of a master with a URL as its host", `{"master": {"slaves": [{"name": "edge1", "secret": "s", "public": ["https://edge1.example.org"]}]}}`,
		`role master: slave edge1: public: "https://edge1.example.org": invalid host; expected one such as edge1.example.org or edge1.example.org:8000`,
	},
	{
		"a slave without masters", `{"slave": {}}`, `role slave: no master; expected one such as master https://master.example.org:8443`,
	},
	{
		"a master that is no URL", `{"slave": {"masters": ["master"]}}`, `role slave: master "master": invalid URL; expected http or https and a host, such as https://radio.example.org`,
	},
	{
		"a public URL with a query", `{"slave": {"masters": ["http://m"], "public": ["http://x?y"]}}`, `role slave: public "http://x?y": invalid URL; expected http or https and a host, such as https://radio.example.org`,
	},
	{
		"a user of a slave without a password", `{"slave": {"masters": ["http://m"], "user": "edge"}}`, `role slave: user "edge": no password; expected one`,
	},
	{
		"a negative interval of a slave", `{"slave": {"masters": ["http://m"], "interval": "-1s"}}`, `role slave: interval: negative value -1s; expected 0 or more`,
	},
	{
		"an address that is none", `{"deny": {"ips": ["localhost"]}}`, `deny: invalid address "localhost"; expected an address such as 192.0.2.7, or a network such as 192.0.2.0/24, 192.0.2.* or 2001:db8::/32`,
	},
	{
		"a URL for a host name", `{"hostname": "https://radio.example.org"}`,
		`hostname: invalid value "https://radio.example.org"; expected a host and perhaps a port, such as radio.example.org or radio.example.org:8000`,
	},
	{
		"playlists in caches of a mount with auth", `{"mounts": [{"path": "/*.mp3", "hls": {"cache_playlists": "2s"}}, {"path": "/live.mp3", "auth": {"kind": "url", "listener_add": "http://a"}}]}`,
		`mount /live.mp3: hls: cache playlists together with auth, which no cache observes; expected one of the two`,
	},
	{
		"playlists in caches of a mount for HTTPS", `{"mounts": [{"path": "/*.mp3", "hls": {"cache_playlists": "2s"}}, {"path": "/live.mp3", "require_tls": true}]}`,
		`mount /live.mp3: hls: cache playlists together with require_tls, which no cache observes; expected one of the two`,
	},
	{
		"playlists in caches of a mount with a limit", `{"mounts": [{"path": "/*.mp3", "hls": {"cache_playlists": "2s"}}, {"path": "/live.mp3", "max_listeners": 5}]}`,
		`mount /live.mp3: hls: cache playlists together with max_listeners, which no cache observes; expected one of the two`,
	},
	{
		"playlists in caches of a mount with a bandwidth", `{"mounts": [{"path": "/*.mp3", "hls": {"cache_playlists": "2s"}}, {"path": "/live.mp3", "max_bandwidth": 5}]}`,
		`mount /live.mp3: hls: cache playlists together with max_bandwidth, which no cache observes; expected one of the two`,
	},
	{
		"playlists in caches of a mount with a time limit", `{"mounts": [{"path": "/*.mp3", "hls": {"cache_playlists": "2s"}}, {"path": "/live.mp3", "max_listener_duration": "1h"}]}`,
		`mount /live.mp3: hls: cache playlists together with max_listener_duration, which no cache observes; expected one of the two`,
	},
	{
		"playlists in caches of a station with allow", `{"allow": {"ips": ["192.0.2.7"]}, "mounts": [{"path": "/*.mp3", "hls": {"cache_playlists": "2s"}}, {"path": "/live.mp3", "hidden": true}]}`,
		`mount /*.mp3: hls: cache playlists together with allow of the station, which no cache observes; expected one of the two`,
	},
	{
		"playlists in caches of a station with per_ip", `{"limits": {"per_ip": 2}, "mounts": [{"path": "/*.mp3", "hls": {"cache_playlists": "2s"}}, {"path": "/live.mp3", "hidden": true}]}`,
		`mount /*.mp3: hls: cache playlists together with per_ip of the station, which no cache observes; expected one of the two`,
	},
	{
		"a group that is none", `{"mounts": [{"path": "/live", "hls": {}}, {"path": "/low.aac", "hls": {}}, {"path": "/slow.aac", "hls": {"segment": "10s"}}, {"path": "/off.aac"}, {"path": "/x.m3u8"}], "hls_groups": [null]}`,
		`hls_groups: entry 1 is null; expected an object with a path and mounts`,
	},
	{
		"a group at the entry of a mount", `{"mounts": [{"path": "/live", "hls": {}}, {"path": "/low.aac", "hls": {}}, {"path": "/slow.aac", "hls": {"segment": "10s"}}, {"path": "/off.aac"}, {"path": "/x.m3u8"}], "hls_groups": [{"path": "/live.m3u8", "mounts": ["/low.aac"]}]}`,
		`hls /live.m3u8: the path is the entry of mount /live; expected another`,
	},
	{
		"a group at a mount", `{"mounts": [{"path": "/live", "hls": {}}, {"path": "/low.aac", "hls": {}}, {"path": "/slow.aac", "hls": {"segment": "10s"}}, {"path": "/off.aac"}, {"path": "/x.m3u8"}], "hls_groups": [{"path": "/x.m3u8", "mounts": ["/low.aac"]}]}`,
		`hls /x.m3u8: the path is that of a mount; expected another`,
	},
	{
		"a group that is no playlist", `{"mounts": [{"path": "/live", "hls": {}}, {"path": "/low.aac", "hls": {}}, {"path": "/slow.aac", "hls": {"segment": "10s"}}, {"path": "/off.aac"}, {"path": "/x.m3u8"}], "hls_groups": [{"path": "/group", "mounts": ["/low.aac"]}]}`,
		`hls /group: invalid path; expected one that ends with .m3u8, such as /live.m3u8`,
	},
	{
		"a group twice", `{"mounts": [{"path": "/live", "hls": {}}, {"path": "/low.aac", "hls": {}}, {"path": "/slow.aac", "hls": {"segment": "10s"}}, {"path": "/off.aac"}, {"path": "/x.m3u8"}], "hls_groups": [{"path": "/g.m3u8", "mounts": ["/low.aac"]}, {"path": "/g.m3u8", "mounts": ["/low.aac"]}]}`,
		`hls /g.m3u8: duplicate group; expected all its mounts in one block`,
	},
	{
		"a group without mounts", `{"mounts": [{"path": "/live", "hls": {}}, {"path": "/low.aac", "hls": {}}, {"path": "/slow.aac", "hls": {"segment": "10s"}}, {"path": "/off.aac"}, {"path": "/x.m3u8"}], "hls_groups": [{"path": "/g.m3u8"}]}`,
		`hls /g.m3u8: 0 mounts; expected from 1 to 16`,
	},
	{
		"a group of a pattern", `{"mounts": [{"path": "/live", "hls": {}}, {"path": "/low.aac", "hls": {}}, {"path": "/slow.aac", "hls": {"segment": "10s"}}, {"path": "/off.aac"}, {"path": "/x.m3u8"}], "hls_groups": [{"path": "/g.m3u8", "mounts": ["/*.aac"]}]}`,
		`hls /g.m3u8: mounts: "/*.aac" is not a mount; expected paths such as /live.aac`,
	},
	{
		"a group with a mount twice", `{"mounts": [{"path": "/live", "hls": {}}, {"path": "/low.aac", "hls": {}}, {"path": "/slow.aac", "hls": {"segment": "10s"}}, {"path": "/off.aac"}, {"path": "/x.m3u8"}], "hls_groups": [{"path": "/g.m3u8", "mounts": ["/low.aac", "/low.aac"]}]}`,
		`hls /g.m3u8: mounts: duplicate mount /low.aac`,
	},
	{
		"a group with a mount without HLS", `{"mounts": [{"path": "/live", "hls": {}}, {"path": "/low.aac", "hls": {}}, {"path": "/slow.aac", "hls": {"segment": "10s"}}, {"path": "/off.aac"}, {"path": "/x.m3u8"}], "hls_groups": [{"path": "/g.m3u8", "mounts": ["/low.aac", "/off.aac"]}]}`,
		`hls /g.m3u8: mounts: /off.aac has no HLS; expected hls in a mount block for it`,
	},
	{
		"a group of segments of two lengths", `{"mounts": [{"path": "/live", "hls": {}}, {"path": "/low.aac", "hls": {}}, {"path": "/slow.aac", "hls": {"segment": "10s"}}, {"path": "/off.aac"}, {"path": "/x.m3u8"}], "hls_groups": [{"path": "/g.m3u8", "mounts": ["/low.aac", "/slow.aac"]}]}`,
		`hls /g.m3u8: mounts: /slow.aac has segments of 10s, and /low.aac of 6s; expected one length`,
	},
}

func TestProvisionErrors(t *testing.T) {
	for _, tt := range provisionErrors {
		t.Run(tt.name, func(t *testing.T) {
			err := moduletest.Validate(t, `{"apps": {"icecast": {"stations": {"default": `+tt.station+`}}}}`)
			moduletest.CheckError(t, err, "loading icecast app module: provision icecast: station default: "+tt.want)
		})
	}
}
