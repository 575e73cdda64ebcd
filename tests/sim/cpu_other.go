//go:build !linux

package main

import "time"

// threadTime and releaseThread measure nothing here.
func threadTime() time.Duration { return 0 }

func releaseThread() time.Duration { return 0 }
