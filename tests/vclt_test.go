package tests

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestTheListOfCommentsIsIcecasts(t *testing.T) {
	theirs, ours := peer(t, ""), start(t, station)
	var lists []string
	for _, s := range []*server{theirs, ours} {
		live := s.describedSource("/live.mp3", 1)
		defer live.abandon()
		s.retitleAs("/live.mp3", "Song - Singer")
		eventually(t, "the playlist tells of the source", func() error {
			resp := s.get("/live.mp3.vclt", "", "")
			list, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(string(list), "TITLE=") {
				return fmt.Errorf("%s, %s: %w", resp.Status, list, err)
			}
			lists = append(lists, resp.Header.Get("Content-Type")+"\n"+strings.TrimSpace(strings.ReplaceAll(string(list), s.plain, "HOST")))
			return nil
		})
	}
	if lists[0] != lists[1] {
		t.Errorf("it is\n%s\nicecast2 answers\n%s", lists[1], lists[0])
	}
}
