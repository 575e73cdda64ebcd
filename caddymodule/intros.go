package caddymodule

import (
	"strings"
	"sync"

	"go.uber.org/zap"

	"github.com/caddycast/caddycast/caddymodule/setting"
	"github.com/caddycast/caddycast/fallback"
	"github.com/caddycast/caddycast/internal/filewatch"
	"github.com/caddycast/caddycast/streaming/blocklog"
)

// intros are the intros of a station by file. Each function returns the intro before streams of a
// format.Kind, nil if there is none.
type intros map[string]func(kind string) *blocklog.Intro

// readIntros reads the intros of all mounts, and again when they change.
func readIntros(mounts []*Mount, log *zap.Logger) intros {
	all := make(intros)
	for _, m := range mounts {
		path := setting.Value(m.Intro)
		if path == "" || all[path] != nil {
			continue
		}
		file, err := filewatch.Open(path, log, nil, fallback.ReadIntro)
		setting.WarnMissing(log, m.Path, "intro", setting.Found{Err: err})
		var logged sync.Map // families of content types
		all[path] = func(kind string) *blocklog.Intro {
			intro := file.Get()
			if intro == nil || intro.Kind() == kind {
				return intro
			}
			family, _, _ := strings.Cut(kind, ";")
			if _, again := logged.LoadOrStore(family, true); !again {
				log.Warn("intro skipped; its content type differs",
					zap.String("intro", path), zap.String("type", intro.Kind()), zap.String("stream", kind))
			}
			return nil
		}
	}
	return all
}
