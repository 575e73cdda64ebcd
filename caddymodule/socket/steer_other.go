//go:build !linux

package socket

import (
	"errors"
)

// steerToFirst returns an error: there is no such filter.
func steerToFirst(string) error { return errors.ErrUnsupported }

// steerToAll does nothing.
func steerToAll(string) error { return nil }
