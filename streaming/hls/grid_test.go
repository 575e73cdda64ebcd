package hls

import (
	"testing"
	"time"
)

// Streams that come at the same time have segments that begin at the same time, however long ago each
// list began, at any length and codec; also after a pause of one of them.
func TestSegmentsOnTheGridBeginTogether(t *testing.T) {
	for _, segment := range []time.Duration{time.Second, 2 * time.Second, 2500 * time.Millisecond, 6 * time.Second, 7 * time.Second, 20 * time.Second} {
		var players []*player
		for i, after := range []time.Duration{0, 900 * time.Millisecond, 3 * time.Second, 7777 * time.Millisecond} {
			o := Options{Segment: segment, First: 100, Lead: 3, Grid: began}
			p := &player{s: NewSegmenter(o), now: began.Add(after)}
			c := mp3
			if i%2 == 1 {
				c = opus
			}
			p.play(c, Title{Name: "A"}, 100*time.Second-after)
			if i == 1 {
				p.now = p.now.Add(7 * time.Second)
			}
			p.play(c, Title{Name: "B"}, began.Add(200*time.Second).Sub(p.now))
			end, lead := o.LeadOnGrid(after)
			if end%segment != 0 || end-after > 2*segment+10*time.Second || p.done[lead].Time.Sub(began.Add(end)).Abs() > 60*time.Millisecond {
				t.Errorf("segments of %v since %v: %d short ones until %v, then one at %v", segment, after, lead, end, p.done[lead].Time.Sub(began))
			}
			for n, s := range p.done {
				if s.Seconds() > segment.Seconds()+.45 || s.Seconds() < .2 {
					t.Errorf("segments of %v: one of %g s", segment, s.Seconds())
				}
				if at := s.Time.Sub(began); n >= int(lead) && at%segment > 60*time.Millisecond && segment-at%segment > 60*time.Millisecond && i != 1 {
					t.Errorf("segments of %v: one begins at %v", segment, at)
				}
			}
			players = append(players, p)
		}
		last := players[0].done[len(players[0].done)-1].Time
		for i, p := range players { // the pause is forgotten
			if n := p.done[len(p.done)-1]; (n.Time.Sub(last)+segment+60*time.Millisecond)%segment > 120*time.Millisecond {
				t.Errorf("segments of %v: the last of %d begins at %v, that of the first at %v", segment, i, n.Time, last)
			}
		}
	}
}
