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

// Adapter reads an icecast.xml: it makes a Caddyfile of it, and has that adapted.
type Adapter struct{}

// Adapted tells whether this process has read an icecast.xml. If so, it does at SIGHUP what
// Icecast does.
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

// Convert makes a Caddyfile, and warnings as adapters have them.
func Convert(file string, body []byte) (*icecastxml.Converted, []caddyconfig.Warning, error) {
	converted, err := icecastxml.Convert(body, isFile)
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

// inXML says of an error in what was made of a file where it is in the file itself.
func inXML(file, text string, converted *icecastxml.Converted) string {
	at := regexp.MustCompile(`(?:` + regexp.QuoteMeta(file) + `|snippet):(\d+)(?: import chain \[[^\]]*\])?`)
	return at.ReplaceAllStringFunc(text, func(s string) string {
		n, _ := strconv.Atoi(at.FindStringSubmatch(s)[1])
		return fmt.Sprintf("%s:%d", file, converted.Line(n))
	})
}
