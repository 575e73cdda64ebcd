package hooks

import (
	"cmp"
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
	// graceTime is how long the process group of a program has to end after TERM.
	graceTime = 5 * time.Second
	// outputTime is how long output is awaited after the end of a program, from
	// what it has left behind.
	outputTime = 100 * time.Millisecond
	// exitTime is how long a process takes to end after its output is closed.
	exitTime = 50 * time.Millisecond
	// maxOutput is how many bytes of output are logged. The rest is discarded.
	maxOutput = 8 << 10
)

// Program is a Runner that runs a program, without a shell. The event is in its
// environment, as ICECAST_EVENT, ICECAST_MOUNT and so on, and in its arguments. It
// has a process group of its own. When its time is over, the group gets TERM and,
// if it has not ended in time, KILL. What a program leaves running when it ends in
// time is left alone.
//
// When the context of Run ends, the program continues, and so do the goroutines
// that watch it; Wait waits for them.
type Program struct {
	Path    string                // absolute, or a name that is looked up in PATH
	Args    func(*Event) []string // nil: the mount
	Timeout time.Duration         // 0: no limit
	Log     func() *zap.Logger    // gets the output, at debug level

	grace    time.Duration          // 0: graceTime
	alive    func(*os.Process) bool // nil: isAlive
	watchers sync.WaitGroup         // goroutines of all processes
}

// process is a program that runs.
type process struct {
	*Program
	cmd     *exec.Cmd
	out     output
	printed chan struct{} // closed when no process has its output open any more
	ended   chan struct{} // closed when the program has ended
	err     error         // how it ended; read after ended
}

// Run implements Runner. It returns the exit code of the program as an error, if it
// is not zero; or an error if the program could not be started, has exceeded its
// time, or continues when ctx is done.
func (p *Program) Run(ctx context.Context, e *Event) error {
	began := time.Now()
	proc, err := p.start(e)
	if err != nil {
		return err
	}
	result := make(chan error, 1)
	p.watchers.Go(func() {
		err := proc.watch()
		p.Log().Debug("program ended", zap.String("program", p.Path), zap.String("event", string(e.Name)),
			zap.String("mount", e.Mount), zap.Duration("duration", time.Since(began)), zap.Error(err), zap.String("output", proc.out.String()))
		result <- err
	})
	select {
	case err := <-result:
		return err
	case <-ctx.Done():
		return fmt.Errorf("program left running: %w", ctx.Err())
	}
}

// Wait waits until all programs that Run has started have ended, and all processes
// that they have left behind and that may still print.
func (p *Program) Wait() { p.watchers.Wait() }

// start starts the program, and the goroutines that wait for its output and its end.
func (p *Program) start(e *Event) (*process, error) {
	args := []string{e.Mount}
	if p.Args != nil {
		args = p.Args(e)
	}
	cmd := exec.Command(p.Path, args...) //nolint:gosec // the configuration names it; there is no shell
	cmd.Env = os.Environ()
	for _, f := range e.All() {
		cmd.Env = append(cmd.Env, "ICECAST_"+strings.ToUpper(f.Key)+"="+f.String())
	}
	// A pipe of our own stays open after the end of the program: a process that it has
	// left behind would be killed when it prints.
	from, to, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = to, to
	ownGroup(cmd)
	err = cmd.Start()
	_ = to.Close()
	if err != nil {
		_ = from.Close()
		return nil, err
	}
	proc := &process{Program: p, cmd: cmd, printed: make(chan struct{}), ended: make(chan struct{})}
	p.watchers.Go(func() {
		defer close(proc.printed)
		_, _ = io.Copy(&proc.out, from)
		_ = from.Close()
	})
	p.watchers.Go(func() {
		defer close(proc.ended)
		proc.err = cmd.Wait()
	})
	return proc, nil
}

// watch waits for the end of the program and of its output, and brings about the
// former when its time is over.
func (p *process) watch() error {
	err := p.awaitEnd()
	await(p.printed, time.After(outputTime))
	return err
}

func (p *process) awaitEnd() error {
	var timeout <-chan time.Time
	if p.Timeout > 0 {
		t := time.NewTimer(p.Timeout)
		defer t.Stop()
		timeout = t.C
	}
	if await(p.ended, timeout) {
		return p.err
	}
	terminate(p.cmd.Process)
	p.awaitGroup()
	kill(p.cmd.Process)
	<-p.ended
	return fmt.Errorf("program terminated; its timeout is %v", p.Timeout)
}

// awaitGroup waits until all of the process group has ended, or its time to do so is
// over. The system reports the end of the program itself. The end of what it has
// started shows by the end of its output; if a process continues without it, all of
// the time is waited for.
func (p *process) awaitGroup() {
	grace := time.NewTimer(cmp.Or(p.grace, graceTime))
	defer grace.Stop()
	alive := p.alive
	if alive == nil {
		alive = isAlive
	}
	if !await(p.ended, grace.C) || !alive(p.cmd.Process) || !await(p.printed, grace.C) {
		return
	}
	time.Sleep(exitTime)
	if alive(p.cmd.Process) {
		<-grace.C
	}
}

// await waits for an event, and reports false if the time is over before.
func await(event <-chan struct{}, over <-chan time.Time) bool {
	select {
	case <-event:
		return true
	case <-over:
		return false
	}
}

// output keeps the beginning of what a program prints, and of what the processes
// print that it has left behind.
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

// String returns the lines, without control characters.
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
		fmt.Fprintf(&b, "\n(and %d more bytes)", o.more)
	}
	return b.String()
}
