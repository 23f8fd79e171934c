# Recipes that people and CI share. `make` lists them.

CARGO ?= cargo
SOAK_MINUTES ?= 2
TAG   := multipod/multipod:$(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
BUILDAH  := buildah --root $(CURDIR)/target/buildah --runroot $(CURDIR)/target/buildah/run --storage-driver vfs
SCHEMAS  := 1.33 1.34 1.35 1.36
VALIDATE := target/schemas/bin/kubernetes-validate

.DEFAULT_GOAL := help
.PHONY: help setup demo build static reproducible arm64 image manifests test test-long test-models test-page soak lint workflows deny sbom fmt bless bench fuzz doc book clean
.PHONY: cluster cluster-down cluster-load e2e e2e-control-plane e2e-install e2e-kind e2e-setup bench-cluster

help: ## list the recipes
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install what the tests need besides Rust: HAProxy (Debian and its relatives); with Go they show more
	@if command -v haproxy >/dev/null; then haproxy -v | head -n 1; \
	elif command -v apt-get >/dev/null; then \
		sudo=$$(test "$$(id -u)" = 0 || echo sudo); \
		$$sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -qq haproxy; \
	else echo "The tests check every rendered configuration with haproxy: please install it." >&2; exit 1; fi
	@command -v go >/dev/null || echo "Without go, the tests leave out its HTTP client, which is the API server's." >&2

# What the tests build too, so that `make test` goes on from there: with --examples, though there are none, cargo takes
# the features that dependencies have in tests.
demo: ## run the webhook here, send it a pod as an API server does, and show what comes of it; ONCE=1 ends by itself
	@begun=$$(date +%s); echo "Building multipod, without optimisation. The first time takes a minute or two."; \
	$(CARGO) build --locked --workspace --features otlp --bin multipod --examples && \
	BEGUN=$$begun BUILT=$$(date +%s) ONCE=$(ONCE) sh examples/demo.sh

build: ## build the release binary
	$(CARGO) build --release

# Naming the target keeps the flags from build scripts, which must be able to load libraries. No path of this machine gets into
# the program, so that it is the same bytes wherever it is built.
static: ## build the binary of the image into dist/: static, for this machine
	@$(CARGO) fetch --locked --quiet; target=$$(rustc -vV | sed -n 's/^host: //p'); paths="$(CURDIR)=/multipod"; \
	for folder in $${CARGO_HOME:-$$HOME/.cargo}/registry/src/*; do paths="$$paths $$folder=/crates"; done; \
	for path in $$paths; do flags="$$flags --remap-path-prefix=$$path" cflags="$$cflags -ffile-prefix-map=$$path"; done; \
	CFLAGS="$$cflags" RUSTFLAGS="-C target-feature=+crt-static$$flags" \
		$(CARGO) build --locked --release --bin multipod --target $$target && \
	mkdir -p dist && cp target/$$target/release/multipod dist/multipod
	@if readelf -l dist/multipod | grep -q INTERP; then echo "dist/multipod is not static" >&2; exit 1; fi
	@ls -l dist/multipod

reproducible: ## build dist/multipod again, in another folder with nothing built, and compare the two
	@test -x dist/multipod || { echo "First: make static" >&2; exit 1; }
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && git archive HEAD | tar -x -C "$$folder" && \
		$(MAKE) --no-print-directory -C "$$folder" static && sha256sum dist/multipod "$$folder/dist/multipod" && \
		cmp dist/multipod "$$folder/dist/multipod" && echo "both builds are the same bytes"

ARM64 := aarch64-unknown-linux-gnu

arm64: ## build the program for arm64, without optimisation, and see that it injects what this machine's does (installs a cross compiler and qemu)
	@{ command -v aarch64-linux-gnu-gcc && command -v qemu-aarch64; } >/dev/null || { sudo=$$(test "$$(id -u)" = 0 || echo sudo); \
		$$sudo apt-get update -qq && $$sudo apt-get install -y -qq gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user; }
	rustup target add $(ARM64)
	CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc RUSTFLAGS="-C target-feature=+crt-static" \
		$(CARGO) build --locked --bin multipod --target $(ARM64)
	$(CARGO) build --locked --bin multipod
	@target/debug/multipod inject -f examples/fruit > target/here.yaml && \
	qemu-aarch64 target/$(ARM64)/debug/multipod inject -f examples/fruit | cmp - target/here.yaml
	@echo "arm64 injects the same"

image: ## put dist/multipod into an image, without a network, and write it to dist/image.tar (needs buildah, or docker)
	@test -x dist/multipod || { echo "First: make static" >&2; exit 1; }
	@if command -v buildah >/dev/null; then \
		$(BUILDAH) build --isolation chroot --timestamp 0 --target at-hand --tag $(TAG) . && rm -f dist/image.tar && \
		$(BUILDAH) push $(TAG) docker-archive:dist/image.tar:$(TAG); \
	else docker build --target at-hand --tag $(TAG) . && docker save --output dist/image.tar $(TAG); fi

manifests: ## check what is installed: the schemas of SCHEMAS, and the alert rules (needs kubectl and python3)
	@test -x $(VALIDATE) || { python3 -m venv target/schemas && target/schemas/bin/pip install --quiet kubernetes-validate==1.37.0; }
	@$(TEST) --quiet --test it --no-run # the program, as the tests build it
	@kubectl kustomize deploy > target/schemas/base.yaml
	@printf 'resources: [../../deploy]\ncomponents: [../../deploy/components/certificates-from-secret]\n' > target/schemas/kustomization.yaml
	@kubectl kustomize target/schemas | target/debug/multipod certs --fill - > target/schemas/filled.yaml
	@printf 'resources: [../../deploy]\ncomponents:\n' > target/schemas/kustomization.yaml
	@for folder in deploy/components/*; do echo "- ../../$$folder" >> target/schemas/kustomization.yaml; done
	@kubectl kustomize target/schemas > target/schemas/all.yaml
	@for version in $(SCHEMAS); do \
		$(VALIDATE) --quiet --strict -k $$version target/schemas/base.yaml target/schemas/filled.yaml target/schemas/all.yaml || exit 1; \
		echo "the manifests are what Kubernetes $$version expects"; done
	@if command -v promtool >/dev/null; then cd deploy/monitoring && promtool check rules rules.yaml && promtool test rules tests.yaml; \
	else echo "Without promtool, which Debian has in its package prometheus, the alert rules are not checked." >&2; fi

# With the feature that is off by default, so that its tests need no second build; lint, the image and the clusters are without.
TEST := $(CARGO) test --locked --workspace --features otlp

# Tests of the server wait more than they compute, so twice as many run as there are CPUs.
test: export RUST_TEST_THREADS ?= $(shell echo $$((2 * $$(getconf _NPROCESSORS_ONLN))))
# The sum stands last, because cargo tells one for each of its programs.
test: setup ## run the tests that need neither a cluster nor minutes of their own, with features that are off by default
	@echo "All tests that need no cluster: two minutes on two CPUs, once they are built, which takes about as long."
	@echo "Not among them: what takes minutes (make test-long, test-models, soak), a browser (make test-page) and clusters (make e2e, e2e-install)."
	@{ $(TEST) || echo "test result: cargo fails"; } | awk ' \
		{ print; fflush() } \
		/^test result: / { if ($$3 != "ok.") failed = 1; passed += $$4; broken += $$6; ignored += $$8 } \
		END { printf "\nIn all: %d passed, %d failed, %d left to the recipes named above.\n", passed, broken, ignored; exit failed }'

test-long: ## show what takes minutes: ends, slow peers, crowds, certificates and load, as an API server meets them; FULL=1 in full size
	$(TEST) --test it -- server::long core::rotation::starts core::rotation::years --ignored --test-threads 1 --nocapture --skip soak

# Some of them need more memory and time than a machine of CI has.
test-models: ## explore the rotation of certificates in every order, with more bad luck than the tests do: minutes and gigabytes
	$(TEST) --test it -- core::rotation::all_orders --ignored --test-threads 1 --nocapture

test-page: ## show that the page of the admin port answers in a browser; pictures of it are in target/tmp/page (installs Chromium)
	@command -v chromedriver >/dev/null || { sudo=$$(test "$$(id -u)" = 0 || echo sudo); \
		$$sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -qq chromium chromium-driver; }
	$(TEST) --test it -- server::browser --ignored

soak: ## good and bad traffic for SOAK_MINUTES (2); memory and descriptors stay flat
	SOAK_MINUTES=$(SOAK_MINUTES) $(TEST) --test it -- server::long::soak --ignored --nocapture --exact

lint: ## formatting and lints; a warning is an error
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	$(CARGO) clippy --locked --features otlp --lib --test traces -- -D warnings
	@if command -v go >/dev/null; then cd tests/e2e && gofmt -l . | sed 's/$$/ is not as gofmt writes it/; $$q1' && \
		go vet ./cluster ./cmd/... ./controlplane ./images/... ./install ./labs ./progress ./reader; fi

workflows: ## check the workflows of GitHub (needs go, and fetches actionlint)
	@command -v go >/dev/null || { echo "Go is missing: install it, see https://go.dev/doc/install" >&2; exit 1; }
	go run github.com/rhysd/actionlint/cmd/actionlint@v1.7.7 .github/workflows/*.yml

deny: ## what may be depended on: advisories too (needs cargo-deny, and fetches its database; the tests do the rest)
	$(CARGO) deny --locked check

# Of the program alone: neither tests nor build scripts are in it.
sbom: ## list what is in the program, as CycloneDX, in dist/sbom.json (needs jq)
	@mkdir -p dist && $(CARGO) tree --locked --package multipod --edges normal --prefix none --format '{p}|{l}' | \
	sed -nE 's/^([^ ]+) v([^ |]+)[^|]*\|([^*]*[^ (*]).*/\1 \2 \3/p' | sort -u | jq --raw-input --null-input -f .ci/sbom.jq > dist/sbom.json
	@echo "dist/sbom.json lists $$(jq '.components | length' dist/sbom.json) packages"

fmt: ## format the code
	$(CARGO) fmt --all

bless: ## rewrite the outcomes of the golden cases, of those with CASE in their names, and what the docs and tests show of the program; read the diff
	MULTIPOD_BLESS=1 $(CARGO) test --locked --test cases -- $(CASE)
	MULTIPOD_BLESS=1 $(CARGO) test --locked --test it -- docs::every_command_prints docs::tables:: docs::chart:: cli::draw:: --test-threads 1

bench: ## multipod, alone and as a server, beside conventional ones, as ratios of one run
	$(CARGO) build --locked --release
	$(CARGO) bench --locked --package multipod-bench

# No sanitizer: there is no unsafe code here to watch, and the TLS library takes half an hour to build under one.
fuzz: ## fuzz every target for a minute (needs a nightly toolchain and cargo-fuzz)
	@FUZZ_CORPUS=fuzz/corpus $(CARGO) test --quiet --locked --test it fuzz_seeds
	@for target in $$($(CARGO) +nightly fuzz list); do \
		$(CARGO) +nightly fuzz run -s none $$target -- -max_total_time=60 || exit 1; done

book: ## build docs/ as a book, in target/book (needs jq, and mdBook, or a quarter of an hour to compile it)
	@command -v mdbook >/dev/null || test -x target/mdbook/bin/mdbook || $(CARGO) install --locked --root target/mdbook mdbook@0.5.4
	PATH="$$PATH:$(CURDIR)/target/mdbook/bin" mdbook build docs

doc: ## build the documentation of the code
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --workspace --no-deps

# A real Kubernetes, built from its Go modules; tests/e2e/README.md tells more. KUBERNETES=1.34 takes that version.
CLUSTER := target/e2e/cluster-tool
E2E     := cd tests/e2e && go test -count=1 -p 1 -v -timeout 45m
# What they run, unless MULTIPOD names another.
PROGRAM := @test -n "$$MULTIPOD" || $(CARGO) build --locked
# Suites set their limit themselves, when all that they build first is there.
SUITE   := cd tests/e2e && go test -count=1 -v -timeout 0

$(CLUSTER): FORCE
	@command -v go >/dev/null || { echo "Go is missing: install 1.26 or later, see https://go.dev/doc/install" >&2; exit 1; }
	@test -x $@ || echo "building the tool for clusters: once, a minute or two" >&2
	@cd tests/e2e && go run ./cmd/build "the tool for clusters" -o ../../$@ ./cmd/cluster
FORCE:

cluster: $(CLUSTER) ## start a Kubernetes here that stays (needs root; with CONTROL_PLANE=1 no root, but no pods run)
	@$(CLUSTER) up $(if $(CONTROL_PLANE),-control-plane)

cluster-down: $(CLUSTER) ## end it; nothing is left of it
	@$(CLUSTER) down

e2e-setup: $(CLUSTER) ## install the Debian packages that clusters with pods need, buildah for the image, and promtool for the alert rules
	@packages=$$($(CLUSTER) lacking); command -v buildah >/dev/null || packages="$$packages buildah"; \
	command -v promtool >/dev/null || packages="$$packages prometheus"; \
	test -z "$$packages" && exit; \
	command -v apt-get >/dev/null || { echo "Please install what these Debian packages hold: $$packages" >&2; exit 1; }; \
	sudo=$$(test "$$(id -u)" = 0 || echo sudo); $$sudo apt-get update -qq && \
	DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -qq --no-install-recommends $$packages

cluster-load: $(CLUSTER) ## make IMAGE known to it: a name of tests/e2e/images/recipes.go, or the file of a docker archive
	@$(CLUSTER) load $(IMAGE)

e2e-control-plane: $(CLUSTER) ## test against a real API server: that of KUBECONFIG, or its own (needs Go, but not root)
	$(PROGRAM)
	$(SUITE) ./controlplane

e2e: e2e-control-plane ## and with pods that really run, in the cluster of KUBECONFIG or one of their own (needs root)
	$(E2E) ./images/... ./progress ./cluster
	$(SUITE) -parallel 6 ./labs

e2e-install: $(CLUSTER) ## install, upgrade, roll back and uninstall by Helm under pods that are made, ROUNDS (1) times (needs root)
	$(PROGRAM)
	$(SUITE) ./install

# For machines with Docker. Tests that need a cluster of our own say that they were left out.
e2e-kind: ## the labs in a cluster of kind (needs docker and kind)
	@for program in docker kind; do command -v $$program >/dev/null || \
		{ echo "$$program is missing: see https://kind.sigs.k8s.io/docs/user/quick-start" >&2; exit 1; }; done
	$(PROGRAM)
	@mkdir -p target/e2e && kind create cluster --name multipod-e2e --kubeconfig target/e2e/kind.kubeconfig
	@export KUBECONFIG=$(CURDIR)/target/e2e/kind.kubeconfig; \
		( $(SUITE) -parallel 6 ./labs ); status=$$?; kind delete cluster --name multipod-e2e; exit $$status

bench-cluster: ## report what multipod adds to the creation of a pod, and make PODS (3000) pods through it, among NAMESPACES (500); no root
	$(CARGO) build --locked --release
	@unset KUBECONFIG; export MULTIPOD=$${MULTIPOD:-$(CURDIR)/target/release/multipod}; $(SUITE) ./bench

clean: ## remove everything that was built
	$(CARGO) clean
