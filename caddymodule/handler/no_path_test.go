package handler_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/caddycast/caddycast/caddymodule"
	"github.com/caddycast/caddycast/caddymodule/moduletest"
)

// GET http://host has no path. Its refusal is an answer as any other.
func TestARequestWithoutAPathIsAnswered(t *testing.T) {
	h := moduletest.New(t, new(caddymodule.Station))
	for method, want := range map[string]int{http.MethodGet: 404, http.MethodPut: 401, "SOURCE": 401} {
		r := httptest.NewRequest(method, "http://radio.example.org", nil)
		r.URL.Path = ""
		moduletest.CheckStatus(t, h.Do(t, r), want)
	}
	if n := h.Refusals(); n[404] != 1 || n[401] != 2 {
		t.Errorf("counted are %v", n)
	}
}
