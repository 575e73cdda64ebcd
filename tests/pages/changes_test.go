package pages

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddycast/caddycast/tests/harness"
)

// changesPage plays streams side by side, and reports four times a second how far each is.
const changesPage = `<!doctype html><meta charset="utf-8"><title>changes</title><script>
const players = %s.map(({name, url}) => {
	const player = new Audio();
	player.muted = player.autoplay = true;
	player.src = url;
	player.play().catch(() => {});
	return {name, player};
});
setInterval(() => fetch("/report", {method: "POST", body: JSON.stringify(players.map(({name, player}) =>
	({name, time: player.currentTime, ended: player.ended, error: player.error ? player.error.message || "error" : ""})))}), 250);
</script>
`

// changes are what happens to streams, one to each mount: the columns of the table in the
// documentation.
var changes = []string{"title", "lost", "back", "moved", "restarted", "changed"}

// progress is what a player reports.
type progress struct {
	Name  string  `json:"name"`
	Time  float64 `json:"time"`
	Ended bool    `json:"ended"`
	Error string  `json:"error"`
}

func (p progress) String() string {
	return fmt.Sprintf("at %.1f s, ended: %t, error: %q", p.Time, p.Ended, p.Error)
}

// changingPlayers are the players of a page, by the paths of their mounts.
type changingPlayers struct {
	formats []*changing

	mu   sync.Mutex
	last map[string]progress
}

// open opens the page.
func (p *changingPlayers) open(s *harness.Server) {
	var players []player
	for _, f := range p.formats {
		for _, event := range changes {
			players = append(players, player{f.path(event), "", "https://" + s.TLS + f.path(event)})
		}
	}
	list, err := json.Marshal(players)
	if err != nil {
		s.T.Fatal(err)
	}
	openPage(s.T, fmt.Sprintf(changesPage, list), func(body io.Reader) {
		var all []progress
		_ = json.NewDecoder(body).Decode(&all)
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, one := range all {
			p.last[one.Name] = one
		}
	})
}

// await waits until each player is as it should be.
func (p *changingPlayers) await(t *testing.T, what string, check func(f *changing, event string, at progress) error) {
	t.Helper()
	all := func() (errs error) {
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, f := range p.formats {
			for _, event := range changes {
				at := p.last[f.path(event)]
				if err := check(f, event, at); err != nil {
					errs = errors.Join(errs, fmt.Errorf("%s, %s: %w; it is %v", f.name, event, err, at))
				}
			}
		}
		return errs
	}
	if err := harness.AwaitWithin(2*harness.Patience, all); err != nil {
		t.Errorf("%s: %v", what, err)
	}
}

// What a player in a page does when something happens to its stream is what the documentation
// says.
func TestWhatBrowsersDoAtChanges(t *testing.T) {
	harness.Program(t, "chromium")
	formats := changingFormats(t)
	want := documentedChanges(t, formats)
	var config strings.Builder
	config.WriteString("icecast {\nsource_password hackme\nadmin_password letmein\nlimits {\nburst 16KiB\n}\n")
	for _, f := range formats {
		config.WriteString(f.mounts())
	}
	s := harness.Start(t, config.String()+"}")
	ends := make(map[string]func())
	for _, f := range formats {
		for _, event := range append([]string{""}, changes...) {
			ends[f.path(event)] = f.send(s, f.path(event), f.sound)
		}
	}
	for mount := range ends {
		s.WaitForMount(mount)
	}
	opened := time.Now()
	players := &changingPlayers{formats: formats, last: make(map[string]progress)}
	players.open(s)
	players.await(t, "all play", func(_ *changing, _ string, at progress) error {
		if at.Time < 1 {
			return errors.New("it does not play")
		}
		return nil
	})
	if t.Failed() {
		return
	}
	for _, f := range formats {
		f.change(s, ends)
	}
	// What a player has by now: all since the page was opened, the burst, and the lead of the source.
	heard := (time.Since(opened) + lead).Seconds() + 4
	players.await(t, "docs/reference/formats.md is right", func(f *changing, event string, at progress) error {
		stopped := at.Ended || at.Error != ""
		switch does := want[f.name][event]; {
		case does == "plays" && (stopped || at.Time < heard):
			return fmt.Errorf("want that it plays to %.1f s", heard)
		case does == "stops" && !stopped:
			return errors.New("want that it stops")
		}
		return nil
	})
}

// change makes happen to each mount of a format what it is named for.
func (f *changing) change(s *harness.Server, ends map[string]func()) {
	s.T.Helper()
	s.SetTitleAsAdmin(f.path("title"), "Another")
	moved := "moveclients?mount=" + f.path("moved") + "&destination=" + f.path("")
	if status, said := s.AdminCommand("admin", "letmein", moved); status != http.StatusOK {
		s.T.Errorf("%s is answered %d, %s", moved, status, said)
	}
	for _, event := range []string{"lost", "back"} {
		ends[f.path(event)]()
		s.WaitForFeed(f.path(event), f.path(""))
	}
	for event, sound := range map[string][]byte{"back": f.sound, "restarted": f.sound, "changed": f.other} {
		ends[f.path(event)]()
		f.send(s, f.path(event), sound)
	}
}

// documentedChanges reads what browsers do from the table of the documentation: a row for each
// format, a cell for each change.
func documentedChanges(t *testing.T, formats []*changing) map[string]map[string]string {
	t.Helper()
	rows := make(map[string]map[string]string)
	text := harness.ReadFile(t, "../../docs/reference/formats.md")
	_, table, _ := strings.Cut(text, "| format | new title |")
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.Trim(line, "| \n"), " | ")
		if len(cells) != 1+len(changes) {
			continue
		}
		row := make(map[string]string)
		for i, event := range changes {
			if row[event] = cells[1+i]; row[event] != "plays" && row[event] != "stops" {
				t.Errorf("docs/reference/formats.md: %q in the row of %s; expected plays or stops", row[event], cells[0])
			}
		}
		rows[cells[0]] = row
	}
	for _, f := range formats {
		if rows[f.name] == nil {
			t.Fatalf("docs/reference/formats.md: no row for %s in the table of changes", f.name)
		}
	}
	return rows
}
