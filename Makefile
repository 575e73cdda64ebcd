# make            prints this list
# make deps       installs the programs that the tests talk to (apt), and players for pages (npm)
# make build      builds ./caddycast
# make binaries   builds the programs that tests run in processes of their own, into tests/binaries
# make test       all tests, with the race detector
# make lint       formatting, go vet, linters, tidy go.mod
# make cross      checks that the engine compiles for other systems
# make hlsjs      takes hls.js for the status page from the package that tests/npm pins
# make fuzz       every fuzz target for FUZZTIME (default 30s)
# make bench      the costs beside those of icecast2, in ten minutes; prints the table of docs/explained/benchmark.md
# make chaos      what listeners of a slave notice of killed masters and broken links; prints the table of docs/guides/master-slaves.md
# make hlstable   what players of HLS do when something happens to a stream; writes the table of docs/guides/hls.md
# make upgradeplots listeners over time for the three ways to a new version; draws the plots of docs/guides/upgrade.md
# make sim        a simulated cluster of SIMFLAGS; writes the table and the plots of docs/guides/cluster.md
# make microbench the benchmarks of the engine's parts

TAGS        := nobadger,nomysql,nopgx
FUZZTIME    ?= 30s
CHAOSROUNDS ?= 5
# program or file, and the name of its package if that differs
PROGRAMS := ffmpeg mpg123 ezstream curl oggenc:vorbis-tools opusenc:opus-tools flac oggfwd ices2 \
	liquidsoap chromium chromedriver:chromium-driver icecast2 ip:iproute2 nsenter:util-linux \
	shout:libshout-tools darkice gst-launch-1.0:gstreamer1.0-tools \
	/usr/share/doc/gstreamer1.0-plugins-good:gstreamer1.0-plugins-good mpd mpc cvlc:vlc-bin \
	/usr/share/doc/vlc-plugin-base:vlc-plugin-base butt Xvfb:xvfb nginx:nginx-light haproxy \
	prometheus npm nats-server
# the file that npm writes last
PAGES    := tests/npm/node_modules/.package-lock.json
TOOL     := go tool -modfile=tools/go.mod
# sources of the binaries: when one changes, they are built again
SOURCES  := $(shell find . -path './.*' -prune -o \( -path ./tests -o -path ./docs -o -path ./dist -o -path ./caddycast \) -prune -o -type f ! -name '*_test.go' ! -name '*.md' -print)
CADDY     = $(shell go list -m -f '{{.Version}}' github.com/caddyserver/caddy/v2)

.PHONY: help deps programs build binaries test lint cross hlsjs fuzz bench chaos hlstable upgradeplots sim microbench

help:
	@sed -n 's/^# \(make.*\)/\1/p' Makefile

# Without apt, or without the right to use it, the missing packages are printed.
deps: programs $(PAGES)

programs:
	@missing=; for p in $(PROGRAMS); do command -v $${p%%:*} >/dev/null || test -e $${p%%:*} || missing="$$missing $${p##*:}"; done; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	for p in apt-get $$sudo; do command -v $$p >/dev/null || { echo "please install:$$missing"; exit 0; }; done; \
	$$sudo apt-get update -qq && $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing

$(PAGES): tests/npm/package-lock.json | programs
	@if command -v npm >/dev/null; then cd tests/npm && npm ci --loglevel=error || echo "npm could not install the players of pages"; else echo "please install: npm"; fi

# The flags are xcaddy's, so that both builds share a cache.
build:
	go build -tags $(TAGS) -trimpath -ldflags "-w -s" -o caddycast ./cmd/caddycast

binaries: tests/binaries/caddycast tests/binaries/caddy tests/binaries/caddy-guest

tests/binaries/caddycast: $(SOURCES)
	go build -tags $(TAGS) -trimpath -ldflags "-w -s" -o $@ ./cmd/caddycast
	@touch $@

tests/binaries/caddy: $(SOURCES)
	$(TOOL) xcaddy build $(CADDY) --output $@ --with github.com/caddycast/caddycast@v0.0.0=$(CURDIR)

# with modules of another plugin
tests/binaries/caddy-guest: $(SOURCES) $(wildcard tests/modules/testdata/guest/*)
	$(TOOL) xcaddy build $(CADDY) --output $@ --with github.com/caddycast/caddycast@v0.0.0=$(CURDIR) \
		--with example.org/guest@v0.0.0=$(CURDIR)/tests/modules/testdata/guest

# Everything is compiled before the first test, so that no time limit of a test covers a
# compilation and no test shares the processors with a compiler. Without debug information
# linking takes half of the time and of the disk; vet is the linters' matter.
TEST := go test -race -tags $(TAGS) -vet=off -ldflags "-w -s"
test: deps cross binaries
	$(TEST) -run '^$$' ./...
	$(TEST) -timeout 20m ./...

# The cache is this checkout's own: a common one remembers the paths of others that are gone.
lint: export GOLANGCI_LINT_CACHE = $(CURDIR)/.lint-cache
lint:
	$(TOOL) golangci-lint run --allow-parallel-runners
	$(TOOL) golangci-lint fmt --diff
	go mod tidy -diff
	cd tools && go mod tidy -diff

cross:
	GOOS=darwin go vet ./streaming/...
	GOOS=windows go vet ./streaming/...
	GOARCH=arm go vet ./streaming/...

hlsjs: $(PAGES)
	cp tests/npm/node_modules/hls.js/dist/hls.light.min.js tests/npm/node_modules/hls.js/LICENSE caddymodule/status/hlsjs/
	version=$$(sed -n 's/^  "version": "\(.*\)",*/\1/p' tests/npm/node_modules/hls.js/package.json) && \
	sed -i "s/HLSVersion = \".*\"/HLSVersion = \"$$version\"/" caddymodule/mountpath/path.go

fuzz:
	@set -e; for dir in $$(grep -rl --include=*_test.go '^func Fuzz' . | xargs -n1 dirname | sort -u); do \
		for target in $$(grep -ho '^func Fuzz[A-Za-z0-9]*' $$dir/*_test.go | cut -d' ' -f2); do \
			echo "$$dir $$target"; \
			go test -tags $(TAGS) -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$dir; \
		done; \
	done

bench: deps
	go run ./tests/bench $(BENCHFLAGS)

chaos: binaries
	CADDYCAST_TEST_CHAOS=$(CHAOSROUNDS) go test -tags $(TAGS) -count 1 -parallel 1 -timeout 30m -v -run '^TestChaos$$' ./tests/cluster

hlstable: deps binaries
	go test -tags $(TAGS) -count 1 -v -run '^TestWhatPlayersDoAtSeams$$' ./tests/hls -update

upgradeplots: binaries
	go test -tags $(TAGS),plots -count 1 -v -run '^TestPlotsOfUpgrades$$' ./tests/reload

sim:
	go run ./tests/sim -docs docs/guides $(SIMFLAGS)

microbench:
	go test -run '^$$' -bench . ./streaming/...
