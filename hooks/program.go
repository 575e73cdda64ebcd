package hooks

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/caddycast/caddycast/streaming/icy"
)

const (
	// graceTime is how long a program that has run for too long has to end.
	graceTime = 5 * time.Second
	// graceStep is how often it is looked whether it has.
	graceStep = 20 * time.Millisecond
	// outputTime is how long the output is waited for of what a program has left behind.
	outputTime = 100 * time.Millisecond
	// maxOutput is how many bytes of output are logged. The rest is thrown away.
	maxOutput = 8 << 10
)

// Program is a Runner that runs a program, without a shell. The event is in its
// environment, as ICECAST_EVENT, ICECAST_MOUNT and so on, and in its arguments. It
// is in a process group of its own. What it leaves running in the background when
// it ends is left alone; when its time is over, all of the group is ended.
//
// At the end of ours, a program that runs goes on.
type Program struct {
	Path    string                // absolute, or a name that is looked up in PATH
	Args    func(*Event) []string // nil: the mount
	Timeout time.Duration         // 0: no limit
	Log     func() *zap.Logger    // gets the output, at debug level
	grace   time.Duration         // 0: graceTime
}

// Run implements Runner.
func (p *Program) Run(ctx context.Context, e *Event) error {
	args := []string{e.Mount}
	if p.Args != nil {
		args = p.Args(e)
	}
	cmd := exec.Command(p.Path, args...) //nolint:gosec // the configuration names it; there is no shell
	cmd.Env = os.Environ()
	for _, f := range e.All() {
		cmd.Env = append(cmd.Env, "ICECAST_"+strings.ToUpper(f.Key)+"="+f.String())
	}
	// The program's end does not close the pipe: what it has left behind may print, and
	// would be killed.
	from, to, err := os.Pipe()
	if err != nil {
		return err
	}
	cmd.Stdout, cmd.Stderr = to, to
	ownGroup(cmd)
	began := time.Now()
	err = cmd.Start()
	_ = to.Close()
	if err != nil {
		_ = from.Close()
		return err
	}
	var out output
	printed := make(chan struct{})
	go func() {
		_, _ = io.Copy(&out, from)
		_ = from.Close()
		close(printed)
	}()
	ended := make(chan error, 1)
	go func() {
		err := p.watch(cmd)
		select {
		case <-printed:
		case <-time.After(outputTime):
		}
		p.Log().Debug("a program has ended", zap.String("program", p.Path), zap.String("event", string(e.Name)),
			zap.String("mount", e.Mount), zap.Duration("duration", time.Since(began)), zap.Error(err), zap.String("output", out.String()))
		ended <- err
	}()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return fmt.Errorf("the program goes on alone: %w", ctx.Err())
	}
}

// watch waits for the end of a program, and brings it about when its time is over.
func (p *Program) watch(cmd *exec.Cmd) error {
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	var timeout <-chan time.Time
	if p.Timeout > 0 {
		t := time.NewTimer(p.Timeout)
		defer t.Stop()
		timeout = t.C
	}
	select {
	case err := <-ended:
		return err
	case <-timeout:
	}
	grace := p.grace
	if grace <= 0 {
		grace = graceTime
	}
	terminate(cmd.Process)
	for over := time.Now().Add(grace); isAlive(cmd.Process) && time.Now().Before(over); {
		time.Sleep(graceStep)
	}
	kill(cmd.Process)
	<-ended
	return fmt.Errorf("it was ended since it took longer than %v", p.Timeout)
}

// output keeps the beginning of what a program prints, and what it has left behind.
type output struct {
	mu   sync.Mutex
	text []byte
	more int
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := min(len(p), maxOutput-len(o.text))
	o.text = append(o.text, p[:n]...)
	o.more += len(p) - n
	return len(p), nil
}

// String returns the lines, with all that is no text taken out.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var b strings.Builder
	for line := range strings.Lines(string(o.text)) {
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(icy.Clean(line))
	}
	if o.more > 0 {
		fmt.Fprintf(&b, "\n(and %d bytes more)", o.more)
	}
	return b.String()
}
