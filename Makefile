# Recipes that people and CI share. `make` lists them.

CARGO ?= cargo
DEMO  := examples/fruit/deployment.yaml
SOAK_MINUTES ?= 2

.DEFAULT_GOAL := help
.PHONY: help setup demo build test test-long soak lint fmt bless bench fuzz doc clean

help: ## list the recipes
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install what the tests need besides Rust: HAProxy (Debian and its relatives); with Go they show more
	@if command -v haproxy >/dev/null; then haproxy -v | head -n 1; \
	elif command -v apt-get >/dev/null; then \
		sudo=$$(test "$$(id -u)" = 0 || echo sudo); \
		$$sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -qq haproxy; \
	else echo "The tests check every rendered configuration with haproxy: please install it." >&2; exit 1; fi
	@command -v go >/dev/null || echo "Without go, the tests leave out its HTTP client, which is the API server's." >&2

demo: ## inject the fruit service, and show what was added and why
	@$(CARGO) build --quiet --release
	@echo '$$ multipod explain -f $(DEMO)'
	@target/release/multipod explain -f $(DEMO)
	@echo
	@echo '$$ multipod diff -f $(DEMO)'
	@target/release/multipod diff -f $(DEMO) || test $$? = 1

build: ## build the release binary
	$(CARGO) build --release

test: setup ## run every test
	$(CARGO) test --locked

test-long: ## show what takes minutes: ends, slow peers, certificates and load, as an API server meets them
	$(CARGO) test --locked --test long -- --ignored --test-threads 1 --nocapture --skip soak

soak: ## good and bad traffic for SOAK_MINUTES (2); memory and descriptors stay flat
	SOAK_MINUTES=$(SOAK_MINUTES) $(CARGO) test --locked --test long -- --ignored --nocapture --exact soak

lint: ## formatting and lints; a warning is an error
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings

fmt: ## format the code
	$(CARGO) fmt

bless: ## rewrite the outcomes of the golden cases; read the diff before you commit
	MULTIPOD_BLESS=1 $(CARGO) test --locked --test cases

bench: ## multipod, alone and as a server, beside conventional ones, as ratios of one run
	$(CARGO) bench --locked

# No sanitizer: there is no unsafe code here to watch, and the TLS library takes half an hour to build under one.
fuzz: ## fuzz every target for a minute (needs a nightly toolchain and cargo-fuzz)
	@FUZZ_CORPUS=fuzz/corpus $(CARGO) test --quiet --locked --test fuzz_seeds
	@for target in $$($(CARGO) +nightly fuzz list); do \
		$(CARGO) +nightly fuzz run -s none $$target -- -max_total_time=60 || exit 1; done

doc: ## build the documentation of the code
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps

clean: ## remove everything that was built
	$(CARGO) clean
