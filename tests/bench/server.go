//go:build linux

package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"debug/buildinfo"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"text/template"
	"time"
)

// settings is what the template of a configuration and a command may use.
type settings struct {
	Title              string // changes with each reload
	Dir                string // a folder of the server's own
	Config             string // the file that the template becomes
	Port               int
	TLSPort, AdminPort int
	HopPort            int    // of a slave; 0: there is none
	HookPort           int    // of an endpoint that never answers; 0: there are no hooks
	HLS                bool   // mounts are served by it, too
	Web                string // folder of a server of files
	TLS                bool   // listeners come over TLS
	Wrapped            bool   // caddycast takes them before net/http has a goroutine for each
	Certificate, Key   string // files
	Both               string // a file with key and certificate
	SourcePassword     string
	AdminPassword      string
	Mounts             []string
	Listeners, Sources int    // limits to set
	Queue              int    // bytes that a listener may be behind
	User               string // whom a server that is started by root shall become
	Caddycast          string // path of the binary
	Core               string // to which the server is pinned, or empty
}

//go:embed templates/Caddyfile
var caddyfile string

//go:embed templates/icecast.xml
var icecastXML string

//go:embed templates/nginx.conf
var nginxConf string

// serverKind is a kind of server that can be started.
type serverKind struct {
	name    string
	command string // a template for each word
	config  string // a template
	// unwrapped is caddycast with a goroutine for each TLS listener; it is for
	// comparison on TLS only.
	unwrapped bool
}

func (k serverKind) hasTLS() bool    { return strings.Contains(k.config, ".TLSPort") }
func (k serverKind) hasHop() bool    { return strings.Contains(k.config, ".HopPort") }
func (k serverKind) hasHooks() bool  { return strings.Contains(k.config, ".HookPort") }
func (k serverKind) hasHLS() bool    { return strings.Contains(k.config, ".HLS") || k.servesFiles() }
func (k serverKind) hasReload() bool { return strings.Contains(k.config, ".AdminPort") }

// servesFiles reports whether the server takes no sources, but serves what the rig publishes.
func (k serverKind) servesFiles() bool { return strings.Contains(k.config, ".Web") }

const unwrappedName = "caddycast-tls-goroutine"

func knownServers() []serverKind {
	const run = "{{.Caddycast}} run --adapter caddyfile --config {{.Config}}"
	return []serverKind{
		{name: "caddycast", command: run, config: caddyfile},
		{name: unwrappedName, command: run, config: caddyfile, unwrapped: true},
		{name: "icecast2", command: "icecast2 -c {{.Config}}", config: icecastXML},
		{name: "nginx", command: "nginx -p {{.Dir}} -c {{.Config}}", config: nginxConf},
	}
}

// fill fills in a template.
func fill(name, text string, s settings) (string, error) {
	t, err := template.New(name).Option("missingkey=error").Parse(text)
	if err != nil {
		return "", fmt.Errorf("template: %w", err)
	}
	var out strings.Builder
	if err := t.Execute(&out, s); err != nil {
		return "", fmt.Errorf("template: %w", err)
	}
	return out.String(), nil
}

// words splits a command before values are filled in, so that no value is split.
func (k serverKind) words(s settings) ([]string, error) {
	var words []string
	for word := range strings.FieldsSeq(k.command) {
		filled, err := fill(k.name, word, s)
		if err != nil {
			return nil, err
		}
		words = append(words, filled)
	}
	if len(words) == 0 {
		return nil, fmt.Errorf("server %s has no command", k.name)
	}
	return words, nil
}

// version asks a server what it is.
func (k serverKind) version(s settings) string {
	words, err := k.words(s)
	if err != nil {
		return err.Error()
	}
	if info, err := buildinfo.ReadFile(words[0]); err == nil {
		if info.Main.Version == "(devel)" { // that says nothing, so tell which binary it is
			return "devel " + fingerprint(words[0])
		}
		return info.Main.Version
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	out, _ := exec.CommandContext(ctx, words[0], "-v").CombinedOutput() //nolint:gosec // G204: the command is the user's own
	line, _, _ := bytes.Cut(out, []byte("\n"))
	return string(line)
}

// fingerprint tells binaries apart.
func fingerprint(path string) string {
	f, err := os.Open(path) //nolint:gosec // G304: the command is the user's own
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return err.Error()
	}
	return hex.EncodeToString(h.Sum(nil)[:4])
}

// runningServer is a server that was started; stop ends it.
type runningServer struct {
	settings

	kind   serverKind
	cmd    *exec.Cmd
	log    string
	exited chan struct{}
}

const (
	startPatience = 15 * time.Second
	stopPatience  = 5 * time.Second
)

// start writes the configuration, starts the server and waits until it listens.
func (k serverKind) start(ctx context.Context, s settings) (*runningServer, error) {
	r := &runningServer{settings: s, kind: k, log: filepath.Join(s.Dir, "output.log"), exited: make(chan struct{})}
	text, err := fill(k.name, k.config, s)
	if err != nil {
		return nil, err
	}
	// The server may run as somebody else.
	if err := os.WriteFile(s.Config, []byte(text), 0o644); err != nil { //nolint:gosec // G306: see above, and the passwords are not secret
		return nil, err
	}
	words, err := k.words(s)
	if err != nil {
		return nil, err
	}
	if s.Core != "" {
		words = append([]string{"/proc/self/exe", pinWord, s.Core}, words...)
	}
	log, err := os.Create(r.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	r.cmd = exec.Command(words[0], words[1:]...) //nolint:gosec // G204: the command is the user's own
	r.cmd.Stdout, r.cmd.Stderr = log, log
	r.cmd.Env = append(os.Environ(), "HOME="+s.Dir, "XDG_CONFIG_HOME="+s.Dir, "XDG_DATA_HOME="+s.Dir)
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setsid: true}
	if err := r.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", k.name, err)
	}
	go func() {
		_ = r.cmd.Wait()
		close(r.exited)
	}()
	for _, port := range r.ports() {
		if err := r.awaitPort(ctx, port); err != nil {
			r.stop()
			return nil, err
		}
	}
	return r, nil
}

func (r *runningServer) ports() []int {
	ports := []int{r.Port}
	if r.TLS {
		ports = append(ports, r.TLSPort)
	}
	if r.HopPort > 0 {
		ports = append(ports, r.HopPort)
	}
	return ports
}

func (r *runningServer) awaitPort(ctx context.Context, port int) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	for {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			return conn.Close()
		}
		select {
		case <-r.exited:
			return fmt.Errorf("%s ended at once:\n%s", r.kind.name, r.lastWords())
		case <-ctx.Done():
			return fmt.Errorf("%s does not listen: %w\n%s", r.kind.name, errors.Join(err, ctx.Err()), r.lastWords())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// lastWords is the end of what the server wrote.
func (r *runningServer) lastWords() string {
	text, _ := os.ReadFile(r.log)
	return string(text[max(0, len(text)-2000):])
}

func (r *runningServer) pid() int { return r.cmd.Process.Pid }

func (r *runningServer) hasExited() bool {
	select {
	case <-r.exited:
		return true
	default:
		return false
	}
}

// stop ends the server and waits until it is gone.
func (r *runningServer) stop() {
	_ = r.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-r.exited:
	case <-time.After(stopPatience):
		_ = r.cmd.Process.Kill()
		<-r.exited
	}
}

// serverUser is whom icecast2 shall become, since it does not run as root.
func serverUser() string {
	if os.Geteuid() != 0 {
		return ""
	}
	if _, err := user.Lookup("icecast2"); err == nil {
		return "icecast2"
	}
	return "nobody"
}
