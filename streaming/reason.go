package streaming

// Reason is why a listener or a source ended.
type Reason uint32

// The reasons. Zero means that it has not ended.
const (
	Running      Reason = iota
	Disconnected        // the peer closed the connection, or it broke
	Slow                // the listener was further behind than the queue is long
	SourceEnded         // the mount's source ended and nothing took its place
	TypeChanged         // a new source sends what the listener was not promised
	TimeLimit           // max_listener_duration has passed
	TimedOut            // the source was silent for source_timeout
	Finished            // the source sent all it had announced
	Replaced            // another source took the mount over
	Removed             // an administrator removed it
	NoDemand            // a source on demand had no listener
	ShuttingDown        // the server ends
	Drained             // the station is drained
)

var reasonNames = [...]string{
	Running:      "running",
	Disconnected: "departed",
	Slow:         "slow",
	SourceEnded:  "source ended",
	TypeChanged:  "content type changed",
	TimeLimit:    "time limit",
	TimedOut:     "timed out",
	Finished:     "finished",
	Replaced:     "replaced",
	Removed:      "removed",
	NoDemand:     "unneeded",
	ShuttingDown: "shutting down",
	Drained:      "drained",
}

// parting is set in a listener's reason while it still runs, and is to end at a whole frame.
const parting Reason = 1 << 16

func (r Reason) String() string { return reasonNames[r] }
