// Package version holds the version of caddycast, and the names under which the
// program introduces itself.
package version

// Version is that of caddycast; CHANGELOG.md has what it brings.
const Version = "0.1.0"

// ServerID is how the station's status pages call the server.
const ServerID = "caddycast " + Version

// UserAgent is how it names itself to servers that it pulls from.
const UserAgent = "caddycast/" + Version
