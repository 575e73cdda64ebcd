package logging

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

func TestLogsAreWrittenAsByIcecast(t *testing.T) {
	at := time.Date(2026, 11, 22, 14, 37, 30, 0, time.UTC)
	request := httptest.NewRequest("GET", "/x%20y?pass=secret", nil)
	request.RemoteAddr = "192.0.2.1:99"
	request.Header.Set("User-Agent", `a "b"`)
	source := httptest.NewRequest("SOURCE", "/live", nil)
	source.RemoteAddr = request.RemoteAddr
	for _, tt := range []struct {
		name, logger, message string
		level                 zapcore.Level
		with, fields          []zap.Field
		want                  string
	}{
		{
			name: "a listener", logger: "icecast.access", with: []zap.Field{zap.String("station", "x")},
			fields: []zap.Field{
				zap.String("mount", "/live stream"), zap.String("client_ip", "127.0.0.1"), zap.String("proto", "HTTP/1.0"), zap.Uint64("bytes", 70261),
				zap.Duration("duration", 2900*time.Millisecond), zap.String("user_agent", "Player\\\"/1.0\x1b"), zap.String("user_id", "user1"),
			},
			want: `127.0.0.1 - user1 [22/Nov/2026:14:37:30 +0000] "GET /live%20stream HTTP/1.0" 200 70261 "-" "Player\\\"/1.0\x1b" 2`,
		},
		{
			name: "a request", logger: "http.log.access.log0", with: []zap.Field{zap.Object("request", caddyhttp.LoggableHTTPRequest{Request: request})},
			fields: []zap.Field{zap.Int("status", 404), zap.Int("size", 12), zap.Duration("duration", time.Millisecond), zap.String("user_id", "")},
			want:   `192.0.2.1 - - [22/Nov/2026:14:37:30 +0000] "GET /x%20y HTTP/1.1" 404 12 "-" "a \"b\"" 0`,
		},
		{
			name: "a source, which has no status of its own", logger: "http.log.access", with: []zap.Field{zap.Object("request", caddyhttp.LoggableHTTPRequest{Request: source})},
			fields: []zap.Field{zap.Int("status", 0), zap.Int("size", 0), zap.Duration("duration", 4*time.Second)},
			want:   `192.0.2.1 - - [22/Nov/2026:14:37:30 +0000] "SOURCE /live HTTP/1.1" 200 0 "-" "-" 4`,
		},
		{
			name: "a title", logger: "icecast.playlist",
			fields: []zap.Field{zap.String("mount", "/two"), zap.Int64("listeners", 1), zap.String("title", "It's a \"test\"; x\n| ü")},
			want:   `22/Nov/2026:14:37:30 +0000|/two|1|It's a "test"; x | ü`,
		},
		{
			name: "a message with an escape of terminals", logger: "http.stdlib", message: "a\u009b2Jb\x1b[0m\x85", level: zap.WarnLevel,
			want: "[2026-11-22  14:37:30] WARN http.stdlib a 2Jb [0m\ufffd",
		},
		{
			name: "anything else", logger: "icecast", message: "source connected", level: zap.WarnLevel,
			fields: []zap.Field{zap.String("mount", "/m"), zap.String("user_agent", "a b\n")},
			want:   `[2026-11-22  14:37:30] WARN icecast source connected mount=/m user_agent="a b\n"`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var e zapcore.Encoder = newEncoder()
			for _, f := range tt.with {
				f.AddTo(e)
			}
			for range 2 { // the second line has nothing of the first
				line, err := e.Clone().EncodeEntry(zapcore.Entry{LoggerName: tt.logger, Message: tt.message, Level: tt.level, Time: at}, tt.fields)
				if err != nil || line.String() != tt.want+"\n" {
					t.Errorf("%v\n%s want\n%s", err, line, tt.want)
				}
			}
		})
	}
}

func FuzzListenerLine(f *testing.F) {
	f.Add("/m", "agent", "user")
	f.Add("/\n\"", "\"\\", "\u2028\x80")
	f.Fuzz(func(t *testing.T, mount, agent, user string) {
		line := listenerLine(time.Now(), map[string]any{"mount": mount, "user_agent": agent, "user_id": user})
		bare := strings.ReplaceAll(strings.ReplaceAll(line, `\\`, ""), `\"`, "")
		if strings.ContainsAny(line, "\r\n") || strings.Count(bare, `"`) != 6 {
			t.Errorf("%q", line)
		}
	})
}
