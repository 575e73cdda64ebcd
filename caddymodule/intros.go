package caddymodule

import (
	"sync"

	"go.uber.org/zap"

	"github.com/caddycast/caddycast/caddymodule/setting"
	"github.com/caddycast/caddycast/fallback"
	"github.com/caddycast/caddycast/internal/filewatch"
	"github.com/caddycast/caddycast/streaming/blocklog"
)

// intros are the intros of a station by file. Each function returns the intro before streams of a
// content type's family, nil if there is none.
type intros map[string]func(family string) *blocklog.Intro

// readIntros reads the intros of all mounts, and again when they change.
func readIntros(mounts []*Mount, log *zap.Logger) intros {
	all := make(intros)
	for _, m := range mounts {
		path := setting.Value(m.Intro)
		if path == "" || all[path] != nil {
			continue
		}
		file := filewatch.New(path, log, nil, fallback.ReadIntro)
		var logged sync.Map // families of content types
		all[path] = func(family string) *blocklog.Intro {
			intro := file.Get()
			if intro == nil || intro.Type() == family {
				return intro
			}
			if _, again := logged.LoadOrStore(family, true); !again {
				log.Warn("intro skipped; its content type differs",
					zap.String("intro", path), zap.String("type", intro.Type()), zap.String("stream", family))
			}
			return nil
		}
	}
	return all
}
