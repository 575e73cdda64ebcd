package auth

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"go.uber.org/zap"

	"github.com/caddycast/caddycast/internal/filewatch"
	"github.com/caddycast/caddycast/internal/htpasswd"
)

// userList is the content of a file of users.
type userList struct {
	users htpasswd.Users
	decoy string // hash that passwords of unknown users are compared with
}

// openUserFile reads a file of users, and again when it has changed. The file may be missing
// if its folder is there: it is made with the first user.
func openUserFile(path string, log *zap.Logger) (*filewatch.File[*userList], error) {
	f, err := filewatch.Open(path, log, new(userList), func(path string) (*userList, error) {
		return readUserList(path, log)
	})
	if errors.Is(err, fs.ErrNotExist) {
		if _, missing := os.Stat(filepath.Dir(path)); missing == nil {
			log.Warn("htpasswd file missing; no user can log in", zap.String("file", path))
			return f, nil
		}
	}
	return f, err
}

// maxLoggedLines bounds the line numbers in a log message.
const maxLoggedLines = 20

func readUserList(path string, log *zap.Logger) (*userList, error) {
	text, _, err := readUserFile(path)
	if err != nil {
		return nil, fmt.Errorf("htpasswd: %w", err)
	}
	users, unsupported, err := htpasswd.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("htpasswd: %s: %w", path, err)
	}
	if n := len(unsupported); n > 0 {
		log.Warn("htpasswd file has unknown hashes; their users cannot log in",
			zap.String("file", path), zap.Ints("lines", unsupported[:min(n, maxLoggedLines)]), zap.Int("users", n))
	}
	return &userList{users: users, decoy: users.Decoy()}, nil
}

// readUserFile returns the text of a file of users.
func readUserFile(path string) ([]byte, os.FileInfo, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() { // reading a pipe would wait for its writer
		err = fmt.Errorf("%s: not a regular file; expected a file of users, as htpasswd writes it", path)
	}
	if err != nil {
		return nil, nil, err
	}
	f, err := os.Open(path) //nolint:gosec // G304: the path is the configuration's
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, htpasswd.MaxSize+1))
	if err == nil && len(text) > htpasswd.MaxSize {
		err = fmt.Errorf("%s: file too long; expected at most %d bytes", path, htpasswd.MaxSize)
	}
	return text, info, err
}
