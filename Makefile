# Everything a newcomer or a machine runs. `make run` and `make test` work from a fresh clone with
# Rust (rustup); what else they need they install.

.PHONY: run test test-long lint bench fuzz clean

## run: a server with a sandbox account and reports in it; prints the curl lines to try
run:
	cargo run --release --quiet --bin callslip -- sandbox

## test: every test; installs the HTTP clients, interpreters and browser that the tests use
test: test-deps
	cargo test --workspace --all-features

## test-long: the long forms: 200 crashes, a million reports through 80 clients, more seeds
test-long: test-deps
	CALLSLIP_LONG=1 CALLSLIP_CRASHES=200 CALLSLIP_SEEDS=2000 cargo test --release --workspace --all-features

.PHONY: test-deps
test-deps:
	scripts/install-test-deps.sh

## lint: formatting, clippy and documentation, warnings refused
lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --all-features -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet

## bench: ratios against floors and peers, measured in one run
bench:
	scripts/install-bench-deps.sh
	cargo run --release --manifest-path bench/Cargo.toml

clean:
	cargo clean
