//go:build !unix

package recording

import (
	"errors"
	"os"
)

// lock returns an error: whether another process writes a file is not known.
func lock(*os.File) error { return errors.ErrUnsupported }
