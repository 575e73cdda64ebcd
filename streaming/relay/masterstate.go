package relay

import "errors"

// masterState is the result of the last request to a master.
type masterState uint8

const (
	masterUnknown masterState = iota
	masterAnswers             // with its list
	masterRefuses             // with a status that is no list
	masterUnreachable
)

var masterStateNames = [...]string{
	masterUnknown: "connecting", masterAnswers: "connected", masterRefuses: "refuses", masterUnreachable: "unavailable",
}

func (s masterState) String() string { return masterStateNames[s] }

// refusal is an error in the answer of a master.
type refusal struct{ text string }

func (r refusal) Error() string { return r.text }

// refuseCredentials returns the refusal for a wrong password.
func refuseCredentials(master string) refusal {
	return refusal{master + ": 401 Unauthorized; expected a user and password that the master accepts"}
}

// next returns the state after a request to the master at a URL, and the event that
// announces the change, if there is one.
func (s masterState) next(url string, err error) (masterState, *Event) {
	next := masterAnswers
	if errors.As(err, new(refusal)) {
		next = masterRefuses
	} else if err != nil {
		next = masterUnreachable
	}
	switch {
	case next == s:
		return s, nil
	case err != nil:
		return next, &Event{Kind: MasterDown, Upstream: url, Cause: err.Error()}
	}
	return next, &Event{Kind: MasterUp, Upstream: url}
}
