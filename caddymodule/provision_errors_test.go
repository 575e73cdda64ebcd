package caddymodule_test

import (
	"testing"

	"github.com/caddycast/caddycast/caddymodule/moduletest"
)

// provisionErrors are settings of a station in JSON that are wrong, with the whole
// text of what is said about them.
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
		"a URL for a host name", `{"hostname": "https://radio.example.org"}`,
		`hostname: invalid value "https://radio.example.org"; expected a host and perhaps a port, such as radio.example.org or radio.example.org:8000`,
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
