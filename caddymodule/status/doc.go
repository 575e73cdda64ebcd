// Package status has the public pages of a station: /status-json.xsl as Icecast writes it, the
// status page and its server-sent events, the administrator's page, and the playlists of mounts.
//
// Every mount is shown from one snapshot, streaming.MountStatus, so that a page never mixes two
// streams. SourceStatus and StationStatus translate it into Icecast's names; the package admin
// adds what only the administrator may see. Templates of the operator replace the embedded ones;
// each is executed once when it is loaded, so that a mistake is found before it is in force.
//
// The functions may be called from any goroutine. A viewer of the events keeps its request's
// goroutine; all viewers share one rendering. Hidden mounts, and mounts that only a listener has
// named, are never shown.
package status
