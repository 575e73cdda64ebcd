package icecastxml

import (
	"slices"
	"strings"
)

// sharedName is the name of the snippet with the settings that all mounts share.
const sharedName = "mount"

// share moves the settings that all of several mounts have to a snippet, which they import. It
// returns nil if that would not make the Caddyfile shorter. A pattern would not mean the same,
// since it applies to all other mounts, too.
func share(mounts []*directive) (snippet *directive) {
	if len(mounts) < 2 {
		return nil
	}
	common := groups(mounts[0].block)
	for _, m := range mounts[1:] {
		of := groups(m.block)
		for name, ds := range common {
			if !slices.EqualFunc(ds, of[name], (*directive).equal) {
				delete(common, name)
			}
		}
	}
	isCommon := func(d *directive) bool { return common[groupOf(d)] != nil }
	var shared []*directive
	lines := 0
	for _, d := range mounts[0].block {
		if isCommon(d) {
			shared = append(shared, d)
			lines += d.lines()
		}
	}
	const around = 3 // the lines of the snippet besides the settings
	if lines*len(mounts) <= around+lines+len(mounts) {
		return nil
	}
	for _, m := range mounts {
		own := slices.DeleteFunc(m.block, isCommon)
		m.block = append([]*directive{line(m.line, "import", sharedName)}, own...)
	}
	return block(mounts[0].line, []string{"(" + sharedName + ")"}, shared)
}

// groups returns directives by their groups, without those that a snippet would change: an import
// replaces escaped placeholders.
func groups(ds []*directive) map[string][]*directive {
	all := make(map[string][]*directive)
	for _, d := range ds {
		all[groupOf(d)] = append(all[groupOf(d)], d)
	}
	for name, of := range all {
		if slices.ContainsFunc(of, (*directive).escapes) {
			delete(all, name)
		}
	}
	return all
}

// groupOf returns the name of the directives whose order matters: those of one word, and hooks.
func groupOf(d *directive) string {
	word, _, _ := strings.Cut(d.words[0], "_")
	if word == "on" {
		return word
	}
	return d.words[0]
}
