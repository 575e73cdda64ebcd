package relay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

const (
	// reportInterval is the time between two reports, if the interval of the slave is no shorter.
	reportInterval = 2 * time.Second

	// wholeInterval is how often a report is whole.
	wholeInterval = 30 * time.Second

	// reportTimeout bounds the sending of a report.
	reportTimeout = 5 * time.Second

	// signOffTimeout bounds the sending of the last report.
	signOffTimeout = time.Second

	// refusalPause is how often a refused report is announced.
	refusalPause = time.Minute
)

// errAnotherSequence reports that a master has not got the report before a partial one.
var errAnotherSequence = errors.New("the master requests a whole report")

// reporter sends the reports of this node to one master that sends its list as events. One
// goroutine at a time uses it.
type reporter struct {
	w         *watcher
	last      Report    // that the master has; the zero value: none
	seq       uint64    // of the last one that was sent
	whole     time.Time // when a whole one was sent
	refused   int       // listeners, at the last report that the master has
	announced time.Time // when a refusal was
}

// run sends reports until ctx ends.
func (p *reporter) run(ctx context.Context) {
	p.last = Report{}
	for ctx.Err() == nil {
		began := time.Now()
		err := p.report(ctx)
		if errors.Is(err, errAnotherSequence) {
			err = p.report(ctx)
		}
		if err != nil && ctx.Err() == nil {
			p.w.record.reportFailed(err)
			p.announce(err)
		}
		p.wait(ctx, began)
	}
}

// wait waits for the next report; the last one was sent at began.
func (p *reporter) wait(ctx context.Context, began time.Time) {
	gap := time.NewTimer(time.Until(began.Add(minPollGap)))
	defer gap.Stop()
	select {
	case <-gap.C:
	case <-ctx.Done():
		return
	}
	rest := time.NewTimer(time.Until(began.Add(p.interval())))
	defer rest.Stop()
	select {
	case <-rest.C:
	case <-p.w.polls:
	case <-ctx.Done():
	}
}

func (p *reporter) interval() time.Duration {
	return max(time.Second, min(p.w.slave.settings.Load().interval(), reportInterval))
}

// report sends one report: a partial one if the master has the one before.
func (p *reporter) report(ctx context.Context) error {
	full := p.w.slave.report(p.w.nodeID())
	total := full.Refused
	full.Refused = max(0, total-p.refused)
	full.Interval = int(p.interval() / time.Second)
	p.seq++
	full.Seq = p.seq
	shared := p.w.slave.share(p.w, &full)
	sent := full
	if now := time.Now(); p.last.Seq == 0 || now.Sub(p.whole) >= wholeInterval {
		p.whole = now
	} else {
		sent = full.Since(p.last)
	}
	p.last = Report{} // unknown, if this one fails
	err := p.send(ctx, sent)
	shared(err)
	if err != nil {
		return err
	}
	p.last, p.refused = full, total
	p.w.reported.Store(true)
	p.w.record.reported()
	return nil
}

// send sends a report and reads the answer.
func (p *reporter) send(ctx context.Context, r Report) error {
	body, err := json.Marshal(r)
	if err != nil {
		return err
	}
	q := request{body: body, header: http.Header{}, agent: p.w.slave.manager.agent}
	q.header.Set("Prefer", "return=minimal")
	q.header.Set(PathHeader, p.w.slave.manager.ID)
	q.header.Set(ProtectedHeader, "1")
	return p.w.client.do(ctx, min(reportTimeout, p.w.slave.settings.Load().timeout()), ListPath, q, func(a *answer) error {
		switch a.StatusCode {
		case http.StatusNoContent, http.StatusOK:
			return nil
		case http.StatusConflict:
			return errAnotherSequence
		case http.StatusUnauthorized:
			return refuseCredentials(p.w.client.master.label())
		}
		return refusal{strings.TrimSuffix(fmt.Sprintf("answer %s: %s", a.Status, a.reason()), ": ")}
	})
}

// announce announces that a report was refused, or did not arrive, once in refusalPause.
func (p *reporter) announce(err error) {
	if now := time.Now(); p.announced.IsZero() || now.Sub(p.announced) >= refusalPause {
		p.announced = now
		p.w.slave.manager.observe(Event{Kind: ReportRefused, Upstream: p.w.master.Load().URL, Cause: err.Error()})
	}
}

// signOff tells the master that this node ends, if it has had a report.
func (p *reporter) signOff() {
	if !p.w.reported.Load() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), signOffTimeout)
	defer cancel()
	p.seq++
	_ = p.send(ctx, Report{ID: p.w.slave.manager.ID, Interval: 1, Seq: p.seq, Leaving: true}) // else the master misses the reports
}
