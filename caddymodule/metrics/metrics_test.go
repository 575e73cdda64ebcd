package metrics_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/caddycast/caddycast/caddymodule"
	"github.com/caddycast/caddycast/caddymodule/auth"
	"github.com/caddycast/caddycast/caddymodule/metrics"
	"github.com/caddycast/caddycast/caddymodule/moduletest"
	"github.com/caddycast/caddycast/internal/eventually"
	"github.com/caddycast/caddycast/internal/leaks"
)

func TestMain(m *testing.M) { os.Exit(leaks.Main(m, "github.com/caddycast/")) }

// values returns the values of counters and gauges, by name and labels.
func values(t *testing.T) map[string]float64 {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	if err := registry.Register(metrics.Collector); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]float64)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetName()+"="+l.GetValue())
			}
			all[f.GetName()+"{"+strings.Join(labels, ",")+"}"] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	return all
}

func TestRefusedRequestsAreCounted(t *testing.T) {
	st := moduletest.New(t, &caddymodule.Station{SourcePassword: &auth.Credential{Password: "hackme"}})
	request := httptest.NewRequest("PUT", "/live.mp3", nil)
	request.SetBasicAuth("source", "wrong")
	for range 2 {
		moduletest.CheckStatus(t, st.Do(t, request), 401)
	}
	all := values(t)
	name := fmt.Sprintf("icecast_requests_refused_total{station=%s,status=401}", t.Name())
	if got := all[name]; got != 2 {
		t.Errorf("%s is %v; want 2", name, got)
	}
	for name := range all {
		if strings.HasPrefix(name, "icecast_requests_refused_total") && !strings.HasSuffix(name, "status=401}") {
			t.Errorf("%s: no request was refused so", name)
		}
	}
}

func TestTheStatesOfARelay(t *testing.T) {
	moduletest.New(t, &caddymodule.Station{Relays: []*caddymodule.Relay{{
		Mount: "/relay.mp3", Upstreams: []string{"http://127.0.0.1:1/x.mp3"}, Pulling: caddymodule.Pulling{OnDemand: new(true)},
	}}})
	all := values(t)
	for state, want := range map[string]float64{"idle": 1, "dialing": 0, "playing": 0, "waiting": 0} {
		name := fmt.Sprintf("icecast_relay_state{mount=/relay.mp3,state=%s,station=%s}", state, t.Name())
		if got, ok := all[name]; got != want || !ok {
			t.Errorf("%s is %v, %t; want %v", name, got, ok, want)
		}
	}
}

func TestAMountIsWatchedBeforeItsFirstSource(t *testing.T) {
	st := moduletest.New(t, &caddymodule.Station{Mounts: []*caddymodule.Mount{{Path: "/live.mp3"}}})
	name := fmt.Sprintf("icecast_source_up{mount=/live.mp3,station=%s}", t.Name())
	if got, ok := values(t)[name]; got != 0 || !ok {
		t.Errorf("%s is %v, %t; want 0", name, got, ok)
	}
	st.OnAir(t, "/live.mp3", nil)
	if got := values(t)[name]; got != 1 {
		t.Errorf("%s is %v with a source; want 1", name, got)
	}
}

func TestTheMastersOfASlave(t *testing.T) {
	refuses := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	defer refuses.Close()
	takes := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Accept-Post", "application/json")
		w.Header().Set("Content-Type", "text/plain")
	}))
	defer takes.Close()
	moduletest.New(t, &caddymodule.Station{Slave: &caddymodule.Slave{Masters: []string{refuses.URL, takes.URL}}})
	eventually.True(t, time.Minute, "the metrics of both masters", func() bool {
		all := values(t)
		of := func(name string, master *httptest.Server) (float64, bool) {
			v, ok := all[fmt.Sprintf("icecast_%s{master=%s,station=%s}", name, master.URL, t.Name())]
			return v, ok
		}
		down, _ := of("master_up", refuses)
		up, _ := of("master_up", takes)
		refusals, _ := of("slave_refusals_total", refuses)
		none, counted := of("slave_refusals_total", takes)
		_, never := of("master_report_age_seconds", refuses)
		_, reported := of("master_report_age_seconds", takes)
		return down == 0 && up == 1 && refusals > 0 && none == 0 && counted && !never && reported
	})
}
