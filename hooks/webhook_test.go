package hooks

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// post sends an event to a handler.
func post(t *testing.T, e *Event, w *Webhook, handler http.HandlerFunc) error {
	t.Helper()
	srv := httptest.NewServer(handler)
	defer srv.Close()
	w.Client = srv.Client()
	w.Client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	w.Client.Timeout = time.Second
	w.URL = func(*Event) string { return srv.URL + "/x?secret=1" }
	return w.Run(t.Context(), e)
}

func TestAnEventIsPostedAndSigned(t *testing.T) {
	e := NewEvent(MetadataUpdated, "/m", Text("title", "a\r\nb\x00</script>\u2028"), Count("n", 5), Seconds("duration", 1500*time.Millisecond), Flag("tls", true))
	e.Node, e.Station = "n", "s"
	e.Time = time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.FixedZone("", 3600))
	secret := []byte("shared")
	err := post(t, e, &Webhook{Secret: secret, Prepare: func(r *http.Request, _ *Event) { r.Header.Set("X-More", "1") }}, func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mac := hmac.New(sha256.New, secret)
		mac.Write(body)
		for name, want := range map[string]string{
			"Content-Type": "application/json", "X-Icecast-Event": "metadata_updated", "X-Icecast-Delivery": e.ID, "X-More": "1",
			"X-Icecast-Signature": "sha256=" + hex.EncodeToString(mac.Sum(nil)),
		} {
			if got := r.Header.Get(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		want := `{"id":"` + e.ID + `","event":"metadata_updated","time":"2026-01-02T02:04:05.678Z","node":"n","station":"s","mount":"/m",` +
			`"title":` + quoted(t, e.Get("title")) + `,"n":5,"duration":1.5,"tls":true}`
		if string(body) != want {
			t.Errorf("posted was\n%s\nwant\n%s", body, want)
		}
	})
	if err != nil {
		t.Error(err)
	}
}

func quoted(t *testing.T, s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestWhatAnAnswerMeans(t *testing.T) {
	for status, want := range map[int]string{
		200: "", 204: "", 299: "",
		301: "again", 302: "again", 400: "final", 401: "final", 404: "final", 410: "final", 408: "again", 425: "again", 429: "again", 500: "again", 503: "again",
	} {
		err := post(t, NewEvent(SourceConnected, "/m"), new(Webhook), func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(status)
		})
		got := "again"
		if err == nil {
			got = ""
		} else if errors.As(err, new(permanentError)) {
			got = "final"
		}
		if got != want {
			t.Errorf("%d: %v", status, err)
		}
		if status/100 == 3 && !strings.Contains(err.Error(), "redirects are not followed") {
			t.Errorf("%d: the log says %v", status, err)
		}
	}
}

// Where nothing may be lost, only success is an answer.
func TestAWebhookThatRetriesAllGivesNothingUp(t *testing.T) {
	for _, status := range []int{400, 401, 403, 404, 410, 500} {
		err := post(t, NewEvent(ListenerRemoved, "/m"), &Webhook{RetryAll: true}, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
		})
		if err == nil || errors.As(err, new(permanentError)) {
			t.Errorf("%d: %v", status, err)
		}
	}
}

func TestAnEndpointThatMisbehavesIsAnErrorThatTellsNoSecret(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"it hangs":    func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body); <-r.Context().Done() },
		"it hangs up": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"it sends no head": func(w http.ResponseWriter, _ *http.Request) {
			conn, _, _ := w.(http.Hijacker).Hijack()
			_, _ = io.WriteString(conn, "nonsense\r\n\r\n")
			conn.Close()
		},
	} {
		err := post(t, NewEvent(SourceConnected, "/m"), new(Webhook), handler)
		if err == nil || strings.Contains(err.Error(), "secret") || errors.As(err, new(permanentError)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	err := post(t, NewEvent(SourceConnected, "/m"), new(Webhook), func(w http.ResponseWriter, _ *http.Request) { // an answer without an end
		for range 1 << 10 {
			if _, err := w.Write(make([]byte, 1<<10)); err != nil {
				return
			}
		}
	})
	if err != nil {
		t.Errorf("an answer that is long: %v", err)
	}
}

func TestAnInvalidURLIsAnErrorWithoutIt(t *testing.T) {
	w := &Webhook{URL: func(*Event) string { return "https://example.org/\x7f?secret=1" }}
	if err := w.Run(t.Context(), NewEvent(SourceConnected, "/m")); err == nil || strings.Contains(err.Error(), "secret") || !errors.As(err, new(permanentError)) {
		t.Errorf("the error is %v", err)
	}
}

func TestAFormIsIcecastsByteForByte(t *testing.T) {
	listener := func(name Name) *Event {
		return NewEvent(name, "/ä b", Count("client", 208), Field{"user", "bob"}, Field{"pass", "p w&x=1"},
			Seconds("duration", 3900*time.Millisecond), Text("ip", "127.0.0.1"), Text("agent", "A b/1.0\r\n"))
	}
	for _, c := range []struct {
		event *Event
		want  string
	}{
		{NewEvent(SourceConnected, "/urlauth"), "action=mount_add&mount=%2furlauth&server=127%2e0%2e0%2e1&port=18000"},
		{NewEvent(SourceDisconnected, "/urlauth"), "action=mount_remove&mount=%2furlauth&server=127%2e0%2e0%2e1&port=18000"},
		{listener(ListenerAdded), "action=listener_add&server=127%2e0%2e0%2e1&port=18000&client=208&mount=%2f%c3%a4%20b&user=bob&pass=&ip=127%2e0%2e0%2e1&agent=A%20b%2f1%2e0"},
		{listener(ListenerRemoved), "action=listener_remove&server=127%2e0%2e0%2e1&port=18000&client=208&mount=%2f%c3%a4%20b&user=bob&pass=p%20w%26x%3d1&duration=3&ip=127%2e0%2e0%2e1&agent=A%20b%2f1%2e0"},
		{NewEvent(ListenerRemoved, "/m"), "action=listener_remove&server=127%2e0%2e0%2e1&port=18000&client=&mount=%2fm&user=&pass=&duration=&ip=&agent=-"},
		{NewEvent(RelayUp, "/m", Text("url", "http://x/")), "action=relay_up&mount=%2fm&server=127%2e0%2e0%2e1&port=18000&url=http%3a%2f%2fx%2f"},
	} {
		if got := string(IcecastForm(c.event, "127.0.0.1", "18000").Text); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.event.Name, got, c.want)
		}
	}
}

func TestAFormThatIsSignedTellsWhatItIsOf(t *testing.T) {
	e := NewEvent(SourceConnected, "/m")
	v, err := url.ParseQuery(string(IcecastForm(e, "s", "1").Stamped(e).Text))
	if err != nil || v.Get("id") != e.ID || v.Get("time") != e.Get("time") || v.Get("action") != "mount_add" {
		t.Errorf("%v, %v", v, err)
	}
}

func FuzzWhatIsEscapedComesBack(f *testing.F) {
	f.Add("a b&c=%\x00\xff\r\n", "ü+")
	f.Fuzz(func(t *testing.T, a, b string) {
		v, err := url.ParseQuery(string(Form(Pair{"x", a}, Pair{"y", b})))
		if err != nil || v.Get("x") != a || v.Get("y") != b || len(v) != 2 {
			t.Errorf("%q, %q: %v, %v", a, b, v, err)
		}
	})
}
