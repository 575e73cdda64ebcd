package adminapi

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddycast/caddycast/caddymodule/upgrade"
)

// What another upgrade or a reload has forestalled is a conflict; what is wrong here is an error.
func TestAForestalledUpgradeIsAConflict(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
	}{
		{upgrade.ErrUnderWay, http.StatusConflict},
		{fmt.Errorf("at the end: %w", upgrade.ErrReloaded), http.StatusConflict},
		{errors.New("the program did not start"), http.StatusInternalServerError},
	} {
		answer, ok := errors.AsType[caddy.APIError](notUpgraded(c.err))
		if !ok || answer.HTTPStatus != c.want || !errors.Is(answer.Err, c.err) {
			t.Errorf("%v: %+v, want %d", c.err, answer, c.want)
		}
	}
}
