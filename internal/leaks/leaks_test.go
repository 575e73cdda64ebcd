package leaks

import (
	"strings"
	"testing"
)

func TestAGoroutineThatGoesOnIsFound(t *testing.T) {
	stop, begun, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		close(begun)
		<-stop
		close(ended)
	}()
	<-begun
	if left := running([]string{"internal/leaks.TestAGoroutineThatGoesOnIsFound.func1"}); !strings.Contains(left, "goroutine") {
		t.Errorf("found is %q", left)
	}
	close(stop)
	<-ended
	if left := Left("internal/leaks.TestAGoroutineThatGoesOnIsFound.func1"); left != "" {
		t.Errorf("what has ended is found: %s", left)
	}
}
