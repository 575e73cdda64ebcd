//go:build !linux

package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "the benchmark measures with epoll and /proc, so it runs on Linux only")
	os.Exit(1)
}
