// Package state holds what a station is at run time: Station, which outlives every reload, and
// Generation, which is one loaded configuration of it, resolved.
//
// Stations are in a pool by name. The app acquires a generation while it is provisioned, fills
// it in, publishes it when it starts and retires it when it stops; the station ends with its
// last generation. The newest published generation is in force, so that a rejected
// configuration changes nothing and a reload ends no stream.
//
// Handlers and listener wrappers find their station by a Provider. The methods of Station and
// Generation may be called from any goroutine. Callbacks of the engine run under its locks and
// take no lock of a station; mu is only held for publishing and retiring.
//
// The package never reads the JSON of a configuration, and never imports the app.
package state
