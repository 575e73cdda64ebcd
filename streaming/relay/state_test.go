package relay

import (
	"errors"
	"testing"
	"time"
)

func TestEachChangeOfARelay(t *testing.T) {
	then, now := time.Unix(1000, 0), time.Unix(2000, 0)
	u := Upstream{URL: "http://master/m?ticket=1"}
	play := change{trigger: firstUnit, upstream: u}
	end := change{trigger: streamEnded, upstream: u, cause: "finished", lasted: time.Minute}
	fail := change{trigger: attemptFailed, cause: "refused"}
	up := &Event{Kind: Up, Mount: "/m", Upstream: "http://master/m"}
	down := &Event{Kind: Down, Mount: "/m", Upstream: "http://master/m", Cause: "finished", Duration: time.Minute}
	failed := &Event{Kind: Failed, Mount: "/m", Cause: "refused"}
	dialing := Status{State: Dialing}
	playing := Status{State: Playing, Upstream: u.URL}
	waiting := Status{State: Waiting, Upstream: u.URL, Cause: "finished"}
	failing := Status{State: Waiting, Cause: "refused", Failures: 1, delayed: true}
	for _, tt := range []struct {
		name   string
		from   Status
		change change
		to     Status
		event  *Event
	}{
		{"an attempt begins", Status{}, change{trigger: dialStarted}, dialing, nil},
		{"it takes long", dialing, change{trigger: dialDelayed}, Status{State: Dialing, delayed: true}, nil},
		{"the first unit", Status{State: Dialing, delayed: true}, play, playing, up},
		{"the delay ends in the moment of the first unit", playing, change{trigger: dialDelayed}, playing, nil},
		{"the delay ends without demand", Status{}, change{trigger: dialDelayed}, Status{}, nil},
		{"the stream ends", playing, end, waiting, down},
		{"a better connection is silent", waiting, change{trigger: dialDelayed}, Status{State: Waiting, Upstream: u.URL, Cause: "finished", delayed: true}, nil},
		{"the first failure", dialing, fail, failing, failed},
		{"the second failure", failing, fail, Status{State: Waiting, Cause: "refused", Failures: 2, delayed: true}, nil},
		{"the next attempt keeps the fallback", failing, change{trigger: dialStarted}, Status{State: Dialing, Cause: "refused", Failures: 1, delayed: true}, nil},
		{"a success after failures", failing, play, Status{State: Playing, Upstream: u.URL}, up},
		{"no demand", failing, change{trigger: demandEnded}, Status{Cause: "refused", Failures: 1}, nil},
		{"removed while it plays", playing, change{trigger: removed}, Status{State: Ended, Upstream: u.URL}, nil},
		{"nothing follows the end", Status{State: Ended}, fail, Status{State: Ended}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.from.Mount, tt.from.Since, tt.change.at = "/m", then, now
			tt.to.Mount, tt.to.Since = "/m", now
			if tt.to.State == tt.from.State && (tt.change.trigger != attemptFailed || tt.to.State == Ended) {
				tt.to.Since = then
			}
			got, event := tt.from.next(tt.change)
			if got != tt.to {
				t.Errorf("the status is %+v; want %+v", got, tt.to)
			}
			if (event == nil) != (tt.event == nil) || event != nil && *event != *tt.event {
				t.Errorf("the event is %+v; want %+v", event, tt.event)
			}
		})
	}
}

func TestEachChangeOfAMaster(t *testing.T) {
	refused, unreachable := error(refusal{"401"}), errors.New("connection refused")
	for _, tt := range []struct {
		from masterState
		err  error
		to   masterState
		kind Kind
		told bool
	}{
		{masterUnknown, nil, masterAnswers, MasterUp, true},
		{masterUnknown, refused, masterRefuses, MasterDown, true},
		{masterUnknown, unreachable, masterUnreachable, MasterDown, true},
		{masterAnswers, nil, masterAnswers, 0, false},
		{masterAnswers, unreachable, masterUnreachable, MasterDown, true},
		{masterUnreachable, unreachable, masterUnreachable, 0, false},
		{masterUnreachable, refused, masterRefuses, MasterDown, true},
		{masterRefuses, nil, masterAnswers, MasterUp, true},
	} {
		to, event := tt.from.next("http://master", tt.err)
		if to != tt.to || (event != nil) != tt.told {
			t.Errorf("%d, %v: %d, %+v", tt.from, tt.err, to, event)
			continue
		}
		if event != nil && (event.Kind != tt.kind || event.Upstream != "http://master" || tt.err != nil && event.Cause != tt.err.Error()) {
			t.Errorf("%d, %v: the event is %+v", tt.from, tt.err, event)
		}
	}
}
