// Package adapter is the config adapter icecast: it reads an icecast.xml as Caddy reads a
// Caddyfile.
//
// Package icecastxml converts the file to a Caddyfile, and Caddy's own adapter does the rest;
// positions in errors and warnings are those of the icecast.xml. Convert is shared with the
// command `caddy icecast convert`. Both may be called from any goroutine and keep nothing but
// Adapted. No file but the icecast.xml is read; whether others exist is looked up.
package adapter

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2/caddyconfig"

	"github.com/caddycast/caddycast/icecastxml"
)

func init() {
	caddyconfig.RegisterAdapter("icecast", Adapter{})
}

// Adapter adapts an icecast.xml.
type Adapter struct{}

// Adapted reports whether this process has adapted an icecast.xml. If so, SIGHUP reloads it, as
// in Icecast.
var Adapted atomic.Bool

// Adapt implements caddyconfig.Adapter.
func (Adapter) Adapt(body []byte, options map[string]any) ([]byte, []caddyconfig.Warning, error) {
	file, _ := options["filename"].(string)
	if file == "" {
		file = "icecast.xml"
	}
	converted, warnings, err := Convert(file, body)
	if err != nil {
		return nil, nil, err
	}
	config, more, err := caddyconfig.GetAdapter("caddyfile").Adapt(converted.Caddyfile, map[string]any{"filename": file})
	if err != nil {
		return nil, warnings, errors.New(inXML(file, err.Error(), converted))
	}
	for _, w := range more {
		w.File, w.Line = file, converted.Line(w.Line)
		warnings = append(warnings, w)
	}
	Adapted.Store(true)
	return config, warnings, nil
}

// Convert returns a Caddyfile, and the warnings of an adapter.
func Convert(file string, body []byte) (*icecastxml.Converted, []caddyconfig.Warning, error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	converted, err := icecastxml.Convert(body, icecastxml.Machine{IsFile: isFile, Dir: dir})
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	warnings := make([]caddyconfig.Warning, len(converted.Notes))
	for i, n := range converted.Notes {
		warnings[i] = caddyconfig.Warning{File: file, Line: n.Line, Directive: n.Element, Message: n.Why}
	}
	return converted, warnings, nil
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// inXML replaces the positions of an error in the Caddyfile by those in the icecast.xml.
func inXML(file, text string, converted *icecastxml.Converted) string {
	at := regexp.MustCompile(`(?:` + regexp.QuoteMeta(file) + `|snippet):(\d+)(?: import chain \[[^\]]*\])?`)
	return at.ReplaceAllStringFunc(text, func(s string) string {
		n, _ := strconv.Atoi(at.FindStringSubmatch(s)[1])
		return fmt.Sprintf("%s:%d", file, converted.Line(n))
	})
}
