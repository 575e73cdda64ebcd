package leaks

import (
	"strings"
	"testing"
)

func TestARunningGoroutineIsFound(t *testing.T) {
	stop, begun, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		close(begun)
		<-stop
		close(ended)
	}()
	<-begun
	if left := running([]string{"internal/leaks.TestARunningGoroutineIsFound.func1"}); !strings.Contains(left, "goroutine") {
		t.Errorf("the stacks are %q", left)
	}
	close(stop)
	<-ended
	if left := Left("internal/leaks.TestARunningGoroutineIsFound.func1"); left != "" {
		t.Errorf("an ended goroutine is found: %s", left)
	}
}
