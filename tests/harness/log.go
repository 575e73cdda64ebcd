package harness

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// LogFile is the file of the log.
func (s *Server) LogFile() string { return filepath.Join(Storage, "log-"+s.AdminAddress) }

// WaitForLog waits for a log line that has all these fields, and returns the line.
func (s *Server) WaitForLog(fields map[string]any) map[string]any {
	s.T.Helper()
	var found map[string]any
	Eventually(s.T, fmt.Sprintf("the log has a line with %v", fields), func() error {
		text, err := os.ReadFile(s.LogFile())
		if err != nil {
			return err
		}
		for line := range bytes.Lines(text) {
			var entry map[string]any
			if json.Unmarshal(line, &entry) != nil {
				continue
			}
			matches := true
			for k, v := range fields {
				matches = matches && fmt.Sprint(entry[k]) == fmt.Sprint(v)
			}
			if matches {
				found = entry
				return nil
			}
		}
		return fmt.Errorf("%d bytes without it", len(text))
	})
	return found
}
