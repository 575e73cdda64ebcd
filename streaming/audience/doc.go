// Package audience counts listeners: how each mount is heard on a day, as it can be
// billed, and how many connections each address has.
//
// A Counter records when each connection begins and ends. A player that opens two
// connections for one person counts as one listener. Of persons it keeps hashes of address
// and program, which mean nothing outside the process, nor on another day. AddressCounts
// holds the limit of connections from one address.
//
// Both are plain values without a lock: their owner guards them. They read no clock; the
// time is an argument. What they keep is bounded.
package audience
