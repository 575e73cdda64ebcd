// Package leaks finds goroutines that tests have left behind.
//
// Main runs in a TestMain, after all tests. It looks at the stacks of all goroutines, and
// fails the package if one still runs code of the packages in question. A goroutine that is
// about to end gets some seconds for that; since nothing signals the end of a goroutine that
// belongs to nobody, the stacks are read again and again until then. Only goroutines of the
// named packages count, so those of net/http and of the testing package don't.
package leaks

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/caddycast/caddycast/internal/eventually"
)

const (
	checkInterval = 10 * time.Millisecond
	graceTime     = 5 * time.Second
	maxStacks     = 4 << 20 // bytes
)

// Main runs the tests of a package and returns the exit code. It is a failure, too, if
// goroutines run code of one of some packages, such as caddycast/hooks, after the tests.
func Main(m *testing.M, packages ...string) int {
	code := m.Run()
	if left := Left(packages...); code == 0 && left != "" {
		fmt.Fprintln(os.Stderr, "goroutines were left behind:\n"+left)
		code = 1
	}
	return code
}

var errLeft = errors.New("goroutines are left")

// Left returns the stacks of the goroutines that run code of one of some packages after
// graceTime; empty: there are none.
func Left(packages ...string) (left string) {
	_ = eventually.Within(graceTime, checkInterval, func() error {
		if left = running(packages); left != "" {
			return errLeft
		}
		return nil
	})
	return left
}

// running returns the stacks of the goroutines that run code of one of some packages now.
func running(packages []string) string {
	buf := make([]byte, maxStacks)
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
