package relay

import "time"

// Event announces a change of a relay, a slave or a master.
type Event struct {
	Kind     Kind
	Mount    string        // of a relay, or the mount that is withheld
	Upstream string        // of a relay, or the URL of a master
	Cause    string        // of Down, Failed, SlaveLeft, SlaveRejected, SlaveUnverified, MasterDown and ReportRefused; of Withheld: what is missing
	Duration time.Duration // of Down: how long the relay played
	Slave    string        // its public URL, else its address or id
	Node     string        // of SlaveLeft: by Credential.Node
}

// Kind is the kind of an Event.
type Kind uint8

// The kinds of events.
const (
	Up              Kind = iota // a relay feeds its mount
	Down                        // a relay stopped feeding its mount
	Failed                      // the first failed attempt since the relay last played
	SlaveJoined                 // the first report of a slave
	SlaveLeft                   // a slave missed its reports, or restarted
	MasterUp                    // a master answers with its list
	MasterDown                  // a master is unreachable or refuses
	SlaveRejected               // a report is not taken
	SlaveVerified               // Upstream is a URL that leads to the slave
	SlaveUnverified             // Upstream is a URL that does not, as far as this master can see
	SlaveDrained                // no more listeners are sent to the slave
	SlaveUndrained              // listeners are sent there again
	ReportRefused               // a master has refused a report of this node, or has not got it
	Withheld                    // a mount is not pulled, since this node does not protect it as its masters do
)
