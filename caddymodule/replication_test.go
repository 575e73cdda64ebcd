package caddymodule

import "testing"

func TestAReportTellsTheBandwidth(t *testing.T) {
	s := &Station{Limits: Limits{Listeners: 5, Bandwidth: 64000}}
	newHandler(t, s)
	if r := s.report(); r.MaxKbps != 64000 || r.Capacity != 5 {
		t.Errorf("the report is %+v", r)
	}
}
