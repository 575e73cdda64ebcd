//go:build !unix

package streaming

// MaxFiles returns 0: how many files may be open is unknown.
func MaxFiles() int { return 0 }
