// Package upgrade replaces the running program by another one, and drops nobody.
//
// Begin starts the new program with the configuration in force. Both processes have the same
// listening sockets: the new one is given them, and accepts once all of its configuration has
// started. Then the older one makes its streams stand still for a moment, describes them, and
// ends its hooks, recordings and relays; the newer one takes the mounts, their last seconds and
// their listeners, and goes on (Take). A connection that only the older process can decrypt, or
// decode, stays with it, which passes bytes on until it ends; see streaming.Handover.
//
// If the new program does not start, or rejects the configuration, or dies before it has all, the
// older process goes on as before. Afterwards the older one has an empty configuration, so that the
// admin endpoint and all sockets are the newer one's alone, and ends with the last of its
// connections.
package upgrade
