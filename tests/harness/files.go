package harness

import (
	"os"
	"testing"
)

// TryReadFile returns the content of a file.
func TryReadFile(path string) (string, error) {
	text, err := os.ReadFile(path)
	return string(text), err
}

// ReadFile returns the content of a file that must exist.
func ReadFile(t testing.TB, path string) string {
	t.Helper()
	text, err := TryReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// MakeExecutable makes a file a program, and lets every user read it.
func MakeExecutable(t testing.TB, path string) {
	t.Helper()
	if err := os.Chmod(path, 0o755); err != nil {
		t.Fatal(err)
	}
}

// WriteFile writes a file for its owner alone.
func WriteFile(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// PublicDir is a folder that every user may write to: icecast2 and VLC do not run as root.
func PublicDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "caddycast-icecast-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	return dir
}
