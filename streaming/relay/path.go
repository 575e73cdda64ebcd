package relay

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
)

// PathHeader is the field in which a relay tells an upstream the ids of the nodes
// that its stream is for, itself first, and the upstream the relay those of the
// nodes that it came through, itself first. Whoever finds its own id there would
// hear itself.
const PathHeader = "Relay-Path"

const (
	maxPath = 16 // nodes
	maxID   = 64 // bytes
)

// ErrLoop says that a mount would be fed with itself.
var ErrLoop = errors.New("the stream comes from here: the relays feed each other in a circle; point one of them at the mount's source")

// newID returns a name for this node that no other has.
func newID() string {
	var id [8]byte
	_, _ = rand.Read(id[:]) // it never fails
	return hex.EncodeToString(id[:])
}

// ParsePath reads the field. What is no id is left out.
func ParsePath(field string) []string {
	var ids []string
	for id := range strings.SplitSeq(field, ",") {
		id = strings.TrimSpace(id)
		if len(ids) < maxPath && isID(id) && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// isID tells whether a text is the id of a node: letters, digits and what stands
// between the parts of host names.
func isID(id string) bool {
	plain := func(r rune) bool {
		return '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || strings.ContainsRune("-._:", r)
	}
	return id != "" && len(id) <= maxID && strings.IndexFunc(id, func(r rune) bool { return !plain(r) }) < 0
}

// formatPath writes the field.
func formatPath(ids []string) string {
	return strings.Join(ids[:min(len(ids), maxPath)], ", ")
}
