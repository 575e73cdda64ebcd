package relay

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
)

// PathHeader is a field with the ids of nodes, the sender's first: in a request those that
// the stream is for, in an answer those that it came through. A node that finds its own id
// there would be fed with its own stream.
const PathHeader = "Relay-Path"

const (
	maxPath = 16 // nodes
	maxID   = 64 // bytes
)

// ErrLoop reports that a mount would be fed with its own stream.
var ErrLoop = errors.New("relay loop: the stream comes from this node; point one of the relays at the mount's source")

// newID returns a unique id for this node.
func newID() string {
	var id [8]byte
	_, _ = rand.Read(id[:]) // it never fails
	return hex.EncodeToString(id[:])
}

// ParsePath returns the ids in the field. Invalid ones are skipped.
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

// isID reports whether a text is the id of a node: letters, digits and the separators of
// host names.
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
