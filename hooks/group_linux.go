package hooks

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
)

// onlyZombies reports whether all processes of a group have ended and only wait to
// be removed: for as long as the first process of a container likes.
func onlyZombies(group int) bool {
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(files) == 0 {
		return false
	}
	for _, file := range files {
		stat, _ := os.ReadFile(file) //nolint:gosec // of the kernel; the process may be gone
		if state, of, ok := parseStat(stat); ok && of == group && state != "Z" && state != "X" {
			return false
		}
	}
	return true
}

// parseStat reads /proc/<pid>/stat: pid (name) state parent group …
func parseStat(stat []byte) (state string, group int, ok bool) {
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:]) // a name may have spaces and parentheses
	if len(fields) < 3 {
		return "", 0, false
	}
	group, err := strconv.Atoi(string(fields[2]))
	return string(fields[0]), group, err == nil
}
