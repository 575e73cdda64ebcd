package relay

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestMain fails the package if anything of it still runs after its tests.
func TestMain(m *testing.M) {
	code := m.Run()
	if left := leaks(); code == 0 && left != "" {
		fmt.Fprintln(os.Stderr, "goroutines were left behind:\n"+left)
		code = 1
	}
	os.Exit(code)
}

func leaks() (left string) {
	for range 200 {
		buf := make([]byte, 1<<20)
		buf = buf[:runtime.Stack(buf, true)]
		var stacks []string
		for stack := range strings.SplitSeq(string(buf), "\n\n") {
			if strings.Contains(stack, "caddycast/streaming") && !strings.Contains(stack, "TestMain") {
				stacks = append(stacks, stack)
			}
		}
		if left = strings.Join(stacks, "\n\n"); left == "" {
			return ""
		}
		time.Sleep(10 * time.Millisecond)
	}
	return left
}
