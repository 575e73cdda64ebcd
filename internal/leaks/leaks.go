// Package leaks finds goroutines that tests have left behind.
package leaks

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

const (
	step    = 10 * time.Millisecond
	patient = 5 * time.Second
	most    = 4 << 20 // bytes of stacks
)

// Main runs the tests of a package and returns the code to exit with: a failure, too, if
// goroutines that run code of one of some packages, such as caddycast/hooks, go on after
// them.
func Main(m *testing.M, packages ...string) int {
	code := m.Run()
	if left := Left(packages...); code == 0 && left != "" {
		fmt.Fprintln(os.Stderr, "goroutines were left behind:\n"+left)
		code = 1
	}
	return code
}

// Left returns the stacks of goroutines that run code of one of some packages, after
// giving them time to end.
func Left(packages ...string) (left string) {
	for end := time.Now().Add(patient); ; time.Sleep(step) {
		if left = running(packages); left == "" || time.Now().After(end) {
			return left
		}
	}
}

func running(packages []string) string {
	buf := make([]byte, most)
	buf = buf[:runtime.Stack(buf, true)]
	var stacks []string
	for stack := range strings.SplitSeq(string(buf), "\n\n") {
		for _, p := range packages {
			if strings.Contains(stack, p) && !strings.Contains(stack, "TestMain") {
				stacks = append(stacks, stack)
				break
			}
		}
	}
	return strings.Join(stacks, "\n\n")
}
