package upgrade

import (
	"encoding/json"
	"os"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
)

// lateTime is how long listeners whose requests were under way may still be handed over.
const lateTime = 30 * time.Second

// giveUp leaves the admin endpoint and all sockets to the new process.
func (u *upgrade) giveUp() {
	if err := caddy.Load(remains(u.config), true); err != nil {
		caddy.Log().Named("icecast").Error("the older process has not closed its sockets", zap.Error(err))
	}
}

// retire ends the process with the last stream that comes by it.
func (u *upgrade) retire() {
	log := caddy.Log().Named("icecast")
	over := make(chan struct{})
	go func() {
		for _, h := range u.handovers {
			h.Wait()
		}
		close(over)
	}()
	time.AfterFunc(lateTime, func() { _ = u.link.Close() })
	select {
	case <-over:
	case <-time.After(u.Max):
		log.Info("the older process ends the streams that are left", zap.Int("listeners", u.left()))
		for _, h := range u.handovers {
			h.EndAll(endTime)
		}
		select {
		case <-over:
		case <-time.After(endTime):
		}
	}
	time.Sleep(lastTime)
	log.Info("the older process ends")
	_ = caddy.Stop()
	os.Exit(0)
}

// lastTime is for the last words of connections: the servers write them after a stream has ended.
const lastTime = time.Second

// endTime is over how long the last streams are ended.
const endTime = time.Minute

// remains returns the configuration of a process that only passes streams on: its logs, and no admin
// endpoint.
func remains(config []byte) []byte {
	var all map[string]json.RawMessage
	_ = json.Unmarshal(config, &all) // it is in force
	rest := map[string]json.RawMessage{"admin": json.RawMessage(`{"disabled": true, "config": {"persist": false}}`)}
	for _, part := range []string{"logging", "storage"} {
		if value, ok := all[part]; ok {
			rest[part] = value
		}
	}
	text, _ := json.Marshal(rest)
	return text
}
