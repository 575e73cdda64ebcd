//go:build unix

package caddymodule

import (
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// followHangup does at SIGHUP what Icecast does, which is to read the configuration again.
// Caddy has that at SIGUSR1, for the file and the adapter that it was run with, and leaves
// SIGHUP alone; so the one is made of the other. It returns
// what ends it, which may be called twice.
func followHangup() (stop func()) {
	signals, done, over := make(chan os.Signal, 1), make(chan struct{}), make(chan struct{})
	signal.Notify(signals, syscall.SIGHUP)
	go func() {
		defer close(over)
		for {
			select {
			case <-signals:
				_ = syscall.Kill(os.Getpid(), syscall.SIGUSR1) // which Caddy logs
			case <-done:
				return
			}
		}
	}()
	return sync.OnceFunc(func() {
		signal.Stop(signals)
		close(done)
		<-over
	})
}
