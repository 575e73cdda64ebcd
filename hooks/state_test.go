package hooks

import (
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

func TestWhatAChangeMakesOfAState(t *testing.T) {
	for name, c := range map[string]struct {
		from   state
		change change
		retry  bool
		want   state
	}{
		"a queue gets a store":                       {state{}, opened, false, state{storage: loading}},
		"what was stored is read":                    {state{storage: loading}, loaded, false, state{storage: ready}},
		"the store can't be read":                    {state{storage: loading}, loadFailed, false, state{storage: unavailable}},
		"the store can't be read again":              {state{storage: unavailable}, loadFailed, false, state{storage: unavailable}},
		"what was stored is read at last":            {state{storage: unavailable}, loaded, false, state{storage: ready}},
		"the store can't be written":                 {state{storage: ready}, saveFailed, false, state{storage: writeFailing}},
		"the store can't be written again":           {state{storage: writeFailing}, saveFailed, false, state{storage: writeFailing}},
		"the store is written at last":               {state{storage: writeFailing}, saved, false, state{storage: ready}},
		"there is no room":                           {state{counts: counts{lost: 6}}, dropped, false, state{counts: counts{lost: 7}}},
		"an event is delivered":                      {state{}, delivered, false, state{}},
		"an event fails":                             {state{}, failed, false, state{retrying: 1, failureLogged: true}},
		"it fails again":                             {state{retrying: 1, failureLogged: true}, failed, true, state{retrying: 1, failureLogged: true}},
		"another fails":                              {state{retrying: 1, failureLogged: true}, failed, false, state{retrying: 2, failureLogged: true}},
		"one of two that failed is delivered":        {state{retrying: 2, failureLogged: true}, delivered, true, state{retrying: 1, failureLogged: true}},
		"one that did not fail is, beside a failing": {state{retrying: 1, failureLogged: true}, delivered, false, state{retrying: 1, failureLogged: true}},
		"the last that failed is delivered":          {state{retrying: 1, failureLogged: true}, delivered, true, state{}},
		"one is refused at once":                     {state{}, refused, false, state{failureLogged: true, counts: counts{refused: 1}}},
		"one is refused after retries":               {state{retrying: 1, failureLogged: true}, refused, true, state{failureLogged: true, counts: counts{refused: 1}}},
		"one is delivered after a refused one":       {state{failureLogged: true, counts: counts{refused: 1}}, delivered, false, state{counts: counts{refused: 1}}},
		"the time of one is over":                    {state{retrying: 1, failureLogged: true}, expired, true, state{failureLogged: true, counts: counts{late: 1}}},
		"the time of one is over that never failed":  {state{storage: ready}, expired, false, state{storage: ready, counts: counts{late: 1}}},
		"a try is interrupted by the end":            {state{retrying: 1, failureLogged: true}, interrupted, true, state{retrying: 1, failureLogged: true}},
	} {
		if got := c.from.next(c.change, c.retry); got != c.want {
			t.Errorf("%s: %+v becomes %+v; want %+v", name, c.from, got, c.want)
		}
	}
}

func TestWhatAQueueMayDo(t *testing.T) {
	for storage, want := range map[storage]struct{ run, save bool }{
		inMemory:     {run: true},
		loading:      {},
		unavailable:  {run: true},
		ready:        {run: true, save: true},
		writeFailing: {run: true, save: true},
	} {
		s := state{storage: storage}
		if s.mayRun() != want.run || s.maySave() != want.save {
			t.Errorf("storage %d: may run %v, may save %v; want %+v", storage, s.mayRun(), s.maySave(), want)
		}
	}
}

func TestWhichChangesAreLogged(t *testing.T) {
	failing := state{retrying: 1, failureLogged: true}
	for name, c := range map[string]struct {
		before  state
		change  change
		retry   bool
		level   zapcore.Level
		message string
	}{
		"the first failure":                 {state{}, failed, false, zap.WarnLevel, "hook failed, retrying"},
		"the first failure, without retry":  {state{}, refused, false, zap.ErrorLevel, "hook failed"},
		"the next failure":                  {failing, failed, true, zap.DebugLevel, "hook failed again"},
		"the next failure, without retry":   {failing, refused, true, zap.DebugLevel, "hook failed again"},
		"a success":                         {state{}, delivered, false, zap.DebugLevel, ""},
		"the first success after failures":  {failing, delivered, true, zap.InfoLevel, "hook recovered"},
		"a success while others still fail": {failing, delivered, false, zap.DebugLevel, ""},
		"an event that is too late":         {failing, expired, true, zap.DebugLevel, ""},
		"a try that the end has stopped":    {failing, interrupted, true, zap.DebugLevel, ""},
	} {
		level, message := outcome(c.before, c.change, c.before.next(c.change, c.retry))
		if level != c.level || message != c.message {
			t.Errorf("%s: %v %q; want %v %q", name, level, message, c.level, c.message)
		}
	}
}
