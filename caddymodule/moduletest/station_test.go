package moduletest_test

import (
	"os"
	"testing"

	"github.com/caddycast/caddycast/caddymodule"
	"github.com/caddycast/caddycast/caddymodule/moduletest"
	"github.com/caddycast/caddycast/internal/leaks"
)

func TestMain(m *testing.M) { os.Exit(leaks.Main(m, "github.com/caddycast/")) }

func TestAStationIsHeardByItsHandler(t *testing.T) {
	st := moduletest.New(t, new(caddymodule.Station))
	st.OnAir(t, "/live.mp3", nil)
	moduletest.CheckStatus(t, st.Get(t, "/status-json.xsl"), 200)
}
