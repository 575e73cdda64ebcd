package handler_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/caddycast/caddycast/caddymodule"
	"github.com/caddycast/caddycast/caddymodule/auth"
	"github.com/caddycast/caddycast/caddymodule/moduletest"
	"github.com/caddycast/caddycast/streaming/relay"
)

// slavesOfOne is how many slaves of the benchmark share credentials.
const slavesOfOne = 8

// BenchmarkRedirect measures a whole answer that redirects a listener, while slaves report.
func BenchmarkRedirect(b *testing.B) {
	for _, slaves := range []int{10, 1000} {
		b.Run(fmt.Sprint(slaves), func(b *testing.B) {
			config := &caddymodule.Master{Redirect: "balance"}
			for i := range (slaves + slavesOfOne - 1) / slavesOfOne {
				config.Slaves = append(config.Slaves, &caddymodule.OwnSlave{Name: fmt.Sprintf("slave%d", i), Secret: "secret", Public: []string{"slave.example.org"}})
			}
			h := moduletest.New(b, &caddymodule.Station{RelayPassword: &auth.Credential{Password: "relay"}, Master: config})
			h.OnAir(b, "/live.mp3", map[string]string{"ice-bitrate": "128"})
			report := func(i int) {
				base := fmt.Sprintf("slave.example.org:%d", 8000+i)
				if _, err := h.Slaves().Register(&h.Gate.Credentials()[1+i/slavesOfOne], relay.Report{
					ID: "kh:" + base, Public: []string{"http://" + base}, Capacity: 1 << 29, Interval: 60, Mounts: map[string]int{"/live.mp3": i},
				}, "192.0.2.9"); err != nil {
					b.Fatal(err)
				}
			}
			for i := range slaves {
				report(i)
			}
			r := httptest.NewRequest(http.MethodGet, "/live.mp3", nil)
			for i := 0; b.Loop(); i++ {
				if i%100 == 0 {
					report(i / 100 % slaves)
				}
				if resp := h.Do(b, r); resp.StatusCode != http.StatusFound {
					b.Fatal(resp.Status)
				}
			}
		})
	}
}
