//go:build unix

package caddymodule

import (
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// followHangup makes SIGHUP reload the configuration, as in Icecast. Caddy reloads upon SIGUSR1,
// with the file and the adapter that it was started with, and ignores SIGHUP, so each SIGHUP is
// sent again as SIGUSR1. The function that ends it may be called twice.
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
