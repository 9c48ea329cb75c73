# The one door. Everything longer than three lines is in scripts/ or xtask/.
SHELL := /bin/bash
.DEFAULT_GOAL := help

# In a pipeline the clone is thrown away, so what was compiled lives outside it.
ifeq ($(CI),true)
export CARGO_TARGET_DIR ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/socle/target
export CARGO_INCREMENTAL ?= 0
endif
TARGET := $(or $(CARGO_TARGET_DIR),target)

.PHONY: help run dev test check build gen bench deny ci

help: ## this list
	@echo 'usage: make TARGET'
	@echo
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  \1\t\2/' | expand -t 10

run: ## install what is missing, build, and start Socle on http://127.0.0.1:8000 (ARGS="--listen 0.0.0.0:80" to change)
	@scripts/run.sh $(ARGS)

dev: ## server and console, rebuilt and reloaded whenever a source changes
	@scripts/dev.sh

test: ## every test, with the servers that they need (CRATE=surveillance for one crate, CRATE=console for the console)
	@CRATE='$(CRATE)' scripts/test.sh

check: ## format, clippy, tidy, and the console's lint and types
	@scripts/check.sh

build: ## the release binary, target/release/socle
	@scripts/console.sh build
	cargo build --release --package server
	@echo '$(TARGET)/release/socle'

gen: ## write again what is generated: docs/api/openapi.json, docs/config.md, the console's client
	@scripts/console.sh build
	cargo run --quiet --package xtask -- gen
	cd console && npm run gen

bench: ## the measured claims, side by side with the peers (ONLY="vision api" for some)
	@bench/all.sh $(ONLY)

deny: ## licences, advisories and sources of the dependencies; unused dependencies
	@scripts/deny.sh

ci: ## exactly what the pipeline runs
	@.ci/run
