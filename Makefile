# Everything a newcomer needs is `make run`, `make test` and `make demo`; `make help` lists the rest.
export CGO_ENABLED := 0
# What debuggers read of our packages is a ninth of their compilation, and in no program that is made here.
export GOFLAGS += -gcflags=github.com/otel-sessionlog/sessionlog/...=-dwarf=false
export SESSIONLOG_ENGINES ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/sessionlog/engines
VERSION ?= $(shell git describe --tags --match 'v[0-9]*' --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
TOOLS   := $(CURDIR)/.cache/tools
GOLANGCI_LINT_VERSION := v2.15.0
GOFUMPT_VERSION       := v0.12.0
OCB_VERSION           := v0.165.0
MANIFEST ?= config/builder.yaml
PACKAGES ?= ./... ./session/... ./sdk/... ./testengine/...
# What takes longest begins first, what waits long included.
LONGEST_PACKAGES := $(addprefix ./,exporter/backend/clickhouse receiver/source/clickhouse internal/e2e extension/sessionlogexplorer/browsertest exporter/backend/sqlite exporter/backend/postgresql internal/faults receiver/source/redshift receiver/source/file testengine)
# More than there are cores: tests of real servers wait as much as they compute.
PACKAGES_AT_ONCE ?= 5
MODULE_TESTS ?= .
# The compiler and the linker spend a third of their time collecting garbage, which they do here from 2 GiB on; the tests themselves run as a user's collector does.
QUICK_TOOLS := -toolexec 'env GOGC=off GOMEMLIMIT=2GiB'
FUZZTIME ?= 20s
FUZZ_FOLDER ?= .
STORY_ROWS    ?= 1000000
STORY_SEED    ?= 1
CLOUD_ROWS    ?= 100000
FLEET_AGENTS  ?= 50
IMPORT_ROWS   ?= 10000000
VERIFY_ROWS   ?= 10000000
FAULT_RUNS    ?= 200
FAULT_SEED    ?= 1
RELEASE_TOOLS := curl debootstrap gh iproute2 iptables lintian netavark podman qemu-user-static rpm runc systemd-container
PIPELINES        ?=
PIPELINE_ROWS    ?= 1000000
PIPELINE_REPEATS ?= 3
PHOTOS_SHOWN ?= search-light search-dark search-390 session-light user-light new-light

.PHONY: help build run demo engines test test-workspace test-outside questions race vet modules tidy lint fmt bench bench-backlog bench-pipelines bench-table bench-redshift bench-questions bench-clicks bench-all fuzz story-redshift story-clickhouse story-clouds story-fleet prove-import prove-verify fixture release release-tools prove-release faults mutants house builder explorer-photos dashboards chart clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | sort | expand -t 18

build: ## the binaries, into bin/
	@[ -e bin/otelcol-sessionlog ] || echo 'The first build compiles everything that the collector is made of: minutes, in which nothing is printed.'
	go build -ldflags '$(LDFLAGS)' -o bin/ ./cmd/...

run: build ## the collector with the quick start's configuration
	@./bin/otelcol-sessionlog validate --config config/collector.yaml
	@printf '%s\n' 'The logins of examples/quickstart/data follow, one a line. Ctrl-C stops; started again, it repeats nothing.' \
		'Look at them in a browser: http://127.0.0.1:8127' \
		'Try next, in another terminal:' \
		"  sqlite3 $${SESSIONLOG_DATA:-./data}/session_log.db 'SELECT user, type, count(*) FROM session_log GROUP BY 1, 2'" \
		'  send your own: OTLP logs to 127.0.0.1:4317 (gRPC) or :4318 (HTTP), as docs/event.md says' \
		'  read your own ClickHouse: receiver/source/clickhouse/README.md' \
		'  see logins arrive from a live server: make demo' ''
	@exec ./bin/otelcol-sessionlog --config config/collector.yaml

demo: build engines ## a real ClickHouse with logins every second, beside the collector
	go build -o .cache/demo ./examples/demo
	@exec .cache/demo

engines: ## the real servers that the tests run, into a cached folder
	go run ./testengine/install

test: engines ## all tests; what cannot run here is listed at the end
	@mkdir -p .cache && rm -f .cache/skips
	@# Once for all tests that run it: to ask the go command whether it is new costs each of them a second.
	go build $(QUICK_TOOLS) -ldflags '-s -w' -o .cache/bench/ ./cmd/otelcol-sessionlog
	@SESSIONLOG_COLLECTOR=$(CURDIR)/.cache/bench/otelcol-sessionlog $(MAKE) --no-print-directory --jobs 2 test-workspace test-outside
	@if [ -s .cache/skips ]; then printf '\nSkipped on this machine (test, reason, remedy):\n'; cat .cache/skips; fi

test-workspace:
	SESSIONLOG_SKIPS=$(CURDIR)/.cache/skips go test -vet=off $(QUICK_TOOLS) -p $(PACKAGES_AT_ONCE) -timeout 20m $(if $(filter ./...,$(PACKAGES)),$(LONGEST_PACKAGES)) $(PACKAGES)

test-outside: # of the modules outside of the workspace. What the first four read lies elsewhere, where the go command does not see that it has changed.
	cd internal/alertrules && GOWORK=off go test -vet=off $(QUICK_TOOLS) -count 1 .
	cd internal/dashboards && GOWORK=off go test -vet=off $(QUICK_TOOLS) -count 1 .
	cd internal/release && GOWORK=off go test -vet=off $(QUICK_TOOLS) -count 1 .
	cd internal/realwitness && GOWORK=off go test -vet=off $(QUICK_TOOLS) -count 1 .
	cd bench && GOWORK=off go test -vet=off $(QUICK_TOOLS) ./input ./pipelines

questions: engines ## every filter of package query on every backend, and all findings; make test asks the servers an eighth of them
	SESSIONLOG_ALL_QUESTIONS=1 go test -count 1 -run 'TestBackend$$/(Questions|Findings)|TestBackend$$/.*/(Questions|Findings)' ./exporter/backend/...

race: engines ## the packages with goroutines, under the race detector (needs a C compiler)
	CGO_ENABLED=1 go test -race -timeout 30m ./session/... ./receiver/... ./exporter/... ./extension/... ./connector/... ./sdk/... ./internal/e2e/sdk/...

vet: ## go vet, which make lint does, too
	go vet $(PACKAGES)

modules: ## what a release's tags would give: the SDK in a new application, go install, the builder; each without this workspace
	cd bench && GOWORK=off go vet $(QUICK_TOOLS) ./...
	GOGC=400 GOMEMLIMIT=2GiB SESSIONLOG_MODULES=1 go test -count 1 -timeout 60m -v -run '$(MODULE_TESTS)' ./internal/tools/modules

tidy: ## go mod tidy in each module of the workspace, which the go command itself cannot while they are not released
	go run ./internal/tools/modules tidy

lint: $(TOOLS)/golangci-lint-$(GOLANGCI_LINT_VERSION) ## golangci-lint with .golangci.yml
	GOGC=400 GOMEMLIMIT=4GiB $< run $(PACKAGES)

fmt: $(TOOLS)/gofumpt-$(GOFUMPT_VERSION) ## gofumpt
	$< -w .

bench: engines ## single steps, each beside its limit in the same run
	@mkdir -p .cache
	@{ go test -run '^$$' -bench . -benchtime 2s ./session/plogs && \
	go test -run '^$$' -bench '(Source|Limit)/(native|http)/none' -benchtime 5x ./receiver/source/clickhouse && \
	go test -run '^$$' -bench 'Write$$|Limit$$' -benchtime 3s ./exporter/backend/sqlite && \
	go test -run '^$$' -bench SealedSingleRecords -benchtime 20x ./exporter/backend/sqlite ./exporter/backend/postgresql && \
	go test -run '^$$' -bench 'Consume|Limit' -benchtime 40x ./exporter/sessionlogexporter && \
	go test -run '^$$' -bench . -benchtime 2s ./connector/sessiontraceconnector ; } | tee .cache/bench.txt

bench-backlog: engines ## memory of the ClickHouse source over backlogs of 1, 2.5 and 5 million rows
	go test -run '^$$' -bench Backlog -benchtime 1x -timeout 60m ./receiver/source/clickhouse

bench-pipelines: engines ## whole pipelines beside contrib's (PIPELINES=a,b or all, PIPELINE_ROWS, PIPELINE_REPEATS, COMPARE=rev); goes on where it was, results in proofs/pipelines.csv
	cd bench && GOWORK=off go run ./pipelines -pipelines '$(PIPELINES)' -rows $(PIPELINE_ROWS) -repeats $(PIPELINE_REPEATS) $(if $(COMPARE),-compare $(shell git describe --always $(COMPARE))) $(PIPELINE_FLAGS)

bench-table: ## puts what proofs/pipelines.csv has of the last measured commits into README.md
	cd bench && GOWORK=off go run ./pipelines -table

bench-redshift: engines ## the Redshift source beside pgx alone and the way of contrib's sqlquery receiver, in turns
	cd bench && GOWORK=off go test -mod=mod -run '^$$' -bench Redshift -benchtime 5x -timeout 60m .

bench-questions: engines ## the questions of the ClickHouse backend on EVENTS (1000000) events, beside contrib's otel_logs; results go into proofs/questions.csv
	SESSIONLOG_QUESTIONS_EVENTS=$(or $(EVENTS),1000000) SESSIONLOG_QUESTIONS_RESULTS=$(CURDIR)/proofs/questions.csv \
		go test -run '^$$' -bench Questions -benchtime 1x -timeout 600m ./exporter/backend/clickhouse

bench-clicks: engines ## what each click of the explorer costs on ROWS (10000000) rows in BACKEND (sqlite); results go into proofs/clicks.csv
	cd bench && GOWORK=off go run ./clicks -backend $(or $(BACKEND),sqlite) -rows $(or $(ROWS),10000000) -results $(CURDIR)/proofs/clicks.csv

bench-all: engines ## every benchmark there is
	go test -run '^$$' -bench . -benchtime 1x -timeout 120m $(PACKAGES)

fuzz: ## every fuzz target below FUZZ_FOLDER (all) for FUZZTIME (20s each)
	@grep -rlE '^func Fuzz' --include='*_test.go' $(FUZZ_FOLDER) | while read -r f; do \
		for t in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\).*/\1/p' $$f); do \
			echo "$$t ./$$(dirname $$f)"; go test -run '^$$' -fuzz "^$$t$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x ./$$(dirname $$f) || exit 1; \
		done; done

story-redshift: engines ## STORY_ROWS rows (1000000) in Redshift's shape while the collector is killed; results go into proofs/stories.csv
	SESSIONLOG_STORY_ROWS=$(STORY_ROWS) SESSIONLOG_STORY_SEED=$(STORY_SEED) SESSIONLOG_STORY_RESULTS=$(CURDIR)/proofs/stories.csv \
		go test -run TestRedshiftStory -timeout 120m -v ./internal/e2e

story-clickhouse: engines ## STORY_ROWS events (1000000) into ClickHouse, one server and a cluster, while both it and the collector are killed
	SESSIONLOG_STORY_ROWS=$(STORY_ROWS) SESSIONLOG_STORY_SEED=$(STORY_SEED) SESSIONLOG_STORY_RESULTS=$(CURDIR)/proofs/stories.csv \
		go test -run TestClickHouseStory -timeout 120m -v ./internal/e2e

story-clouds: ## CLOUD_ROWS events (100000) of 20 streams in a stand-in for CloudWatch, and of 20 prefixes in one for S3, while the collector is killed, throttled, and its credentials expire
	SESSIONLOG_STORY_ROWS=$(CLOUD_ROWS) SESSIONLOG_STORY_SEED=$(STORY_SEED) SESSIONLOG_STORY_RESULTS=$(CURDIR)/proofs/stories.csv \
		go test -count 1 -run TestCloudsStory -timeout 60m -v ./internal/e2e

story-fleet: engines $(if $(AGENT_COMMIT),.cache/agents/$(AGENT_COMMIT)) ## STORY_ROWS logins (1000000) on FLEET_AGENTS machines (50, in network namespaces: as root; AGENT_COMMIT=rev: of an older program), while gateways and ClickHouse are killed; results go into proofs/fleet.csv
	SESSIONLOG_STORY_ROWS=$(STORY_ROWS) SESSIONLOG_STORY_AGENTS=$(FLEET_AGENTS) SESSIONLOG_STORY_RESULTS=$(CURDIR)/proofs/fleet.csv \
		$(if $(AGENT_COMMIT),SESSIONLOG_STORY_AGENT=$(AGENT_COMMIT)=$(CURDIR)/.cache/agents/$(AGENT_COMMIT)) \
		go test -count 1 -run TestFleetStory -timeout 120m -v ./internal/e2e

.cache/agents/%:
	git worktree add --force --detach .cache/agent $*
	cd .cache/agent && go build -ldflags '-s -w' -o $(CURDIR)/$@ ./cmd/otelcol-sessionlog
	git worktree remove --force .cache/agent

prove-import: ## IMPORT_ROWS rows (10000000) by the companion's import, which is killed five times; results go into proofs/imports.csv
	SESSIONLOG_IMPORT_ROWS=$(IMPORT_ROWS) SESSIONLOG_IMPORT_RESULTS=$(CURDIR)/proofs/imports.csv \
		go test -count 1 -run TestAnImportThatIsKilledGoesOn -timeout 120m -v ./cmd/sessionlog

prove-verify: ## VERIFY_ROWS rows (10000000) by an import that seals and is killed five times, then verified; results go into proofs/verify.csv
	SESSIONLOG_VERIFY_ROWS=$(VERIFY_ROWS) SESSIONLOG_VERIFY_RESULTS=$(CURDIR)/proofs/verify.csv \
		go test -count 1 -run TestWhatWasKilledIsVerified -timeout 120m -v ./cmd/sessionlog

faults: engines ## FAULT_RUNS runs (200) of random faults over all pairs of source and backend, drawn from FAULT_SEED; goes on where it was, results in proofs/faults.csv
	SESSIONLOG_FAULTS_RUNS=$(FAULT_RUNS) SESSIONLOG_FAULTS_SEED=$(FAULT_SEED) SESSIONLOG_FAULTS_EVENTS=120 SESSIONLOG_FAULTS_RESULTS=$(CURDIR)/proofs/faults.csv \
		go test -run TestFaults -timeout 600m -v ./internal/faults

mutants: engines ## each mutant of proofs/mutants in a copy of the committed tree, and whether its test notices it
	proofs/mutants/try

house: ## what the code looks like from outside: sizes, names, comments, modules of the SDK; proofs/house.md has before and after
	@go run ./internal/tools/house

builder: ## the working tree's collector by the OpenTelemetry Collector Builder, from MANIFEST (config/builder.yaml; config/builder-minimal.yaml is small)
	@mkdir -p .cache bin
	@{ cat $(MANIFEST); go run ./internal/tools/modules replaces; } > .cache/builder.yaml
	cd bin && GOWORK=off go run go.opentelemetry.io/collector/cmd/builder@$(OCB_VERSION) --config ../.cache/builder.yaml

$(TOOLS)/golangci-lint-$(GOLANGCI_LINT_VERSION):
	GOBIN=$(TOOLS) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)
	mv $(TOOLS)/golangci-lint $@

$(TOOLS)/gofumpt-$(GOFUMPT_VERSION):
	GOBIN=$(TOOLS) go install mvdan.cc/gofumpt@$(GOFUMPT_VERSION)
	mv $(TOOLS)/gofumpt $@

explorer-photos: engines ## photographs of the explorer's pages, into .cache/explorer-photos, and those that the docs show into docs/images (looks best with the font Inter installed)
	SESSIONLOG_EXPLORER_PHOTOS=$(CURDIR)/.cache/explorer-photos go test -count 1 -run TestPhotos ./extension/sessionlogexplorer/browsertest
	@mkdir -p docs/images && cd .cache/explorer-photos && cp $(addprefix explorer-,$(addsuffix .png,$(PHOTOS_SHOWN))) $(CURDIR)/docs/images

dashboards: ## the Grafana dashboards in dashboards/, from internal/dashboards
	cd internal/dashboards && GOWORK=off go run .

chart: ## the Helm chart's tests, and the plain manifests in packaging/kubernetes that are made of it (UPSTREAM_CHART=folder: OpenTelemetry's chart with our values, too)
	cd internal/chart && GOWORK=off UPDATE_MANIFESTS=1 SESSIONLOG_UPSTREAM_CHART='$(UPSTREAM_CHART)' go test -count 1 .

release: ## the files of a release, VERSION=0.1.0, into dist/ (RELEASE_FLAGS='-platforms linux/amd64' for some)
	cd internal/release && GOWORK=off go run . -version '$(VERSION)' $(RELEASE_FLAGS)

release-tools: ## what prove-release needs, on a Debian 12
	apt-get update -q
	apt-get install -y -q --no-install-recommends $(RELEASE_TOOLS)

prove-release: ## installs, upgrades and removes what make release has made, boots it with systemd, runs its image, and makes it again (as root, after release-tools); goes on where it was, results in proofs/release.csv
	cd internal/release && GOWORK=off go run . -version '$(VERSION)' $(RELEASE_FLAGS) -prove '$(CURDIR)/proofs/release.csv'

fixture: engines ## what this program leaves behind, VERSION=0.1.0, for the upgrade test of later ones: once a release
	SESSIONLOG_FIXTURE='$(VERSION)' go test -count 1 -run TestMakeRelease -v ./internal/e2e

clean: ## what was built here
	rm -rf bin .cache dist
