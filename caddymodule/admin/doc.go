// Package admin has Icecast's admin commands: /admin/<command> as XML or JSON, titles by
// /admin/metadata and SHOUTcast's /admin.cgi, and the STATS stream.
//
// Commands.Command finds the function of a path. The table of commands says what all commands
// share: whether the administrator must be authenticated, whether the command is about a
// mount, and whether it changes something, so that pages of other sites are refused. Names,
// texts and shapes are those of Icecast 2.4, since panels and encoders compare them.
//
// The functions may be called from any goroutine. They return a refusal as an error and do not
// write it. They keep no state, and never wait for a listener or a source.
package admin
