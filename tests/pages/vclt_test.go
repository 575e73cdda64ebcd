package pages

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

func TestTheListOfCommentsIsIcecasts(t *testing.T) {
	theirs, ours := harness.IcecastPeer(t, ""), harness.Start(t, harness.Station)
	var lists []string
	for _, s := range []*harness.Server{theirs, ours} {
		live := s.DescribedSource("/live.mp3", 1)
		defer live.Abandon()
		s.SetTitleAsAdmin("/live.mp3", "Song - Singer")
		harness.Eventually(t, "the playlist tells of the source", func() error {
			resp := s.Get("/live.mp3.vclt", "", "")
			list, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(string(list), "TITLE=") {
				return fmt.Errorf("%s, %s: %w", resp.Status, list, err)
			}
			lists = append(lists, resp.Header.Get("Content-Type")+"\n"+strings.TrimSpace(strings.ReplaceAll(string(list), s.Plain, "HOST")))
			return nil
		})
	}
	if lists[0] != lists[1] {
		t.Errorf("it is\n%s\nicecast2 answers\n%s", lists[1], lists[0])
	}
}
