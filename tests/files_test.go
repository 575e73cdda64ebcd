package tests

import (
	"os"
	"testing"
)

// readFile returns what a file has.
func readFile(path string) (string, error) {
	text, err := os.ReadFile(path)
	return string(text), err
}

// read returns what a file has, which must be there.
func read(t testing.TB, path string) string {
	t.Helper()
	text, err := readFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// makeExecutable makes a file a program.
func makeExecutable(t testing.TB, path string) {
	t.Helper()
	if err := os.Chmod(path, 0o755); err != nil {
		t.Fatal(err)
	}
}
