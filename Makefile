# Everything a newcomer or a machine runs. `make run` and `make test` work from a fresh clone with
# Rust (rustup); what else they need they install.

.PHONY: run test test-long test-cluster lint bench fuzz clean

## run: a server whose telephones are simulated, with an account; prints the curl lines to try
run:
	cargo run --bin callslip -- sandbox

## test: every test; installs the HTTP clients, interpreters and browser that the tests use
test: test-deps
	cargo test --workspace --all-features

## test-long: the long forms: 200 crashes, a million reports through 80 clients, a hundred
## thousand calls simulated, more seeds
test-long: test-deps
	CALLSLIP_LONG=1 CALLSLIP_CRASHES=200 CALLSLIP_SEEDS=2000 cargo test --release --workspace --all-features

.PHONY: test-deps
test-deps:
	scripts/install-test-deps.sh

## test-cluster: a Patroni cluster of three with three etcds on this machine, put under load through
## a leader that is killed, frozen, crashed or hands over, and the loss of a standby, an etcd and a
## node; six minutes at most, and nothing of it is left. CALLSLIP_SEED=N does the same again
test-cluster:
	scripts/install-cluster-deps.sh
	cargo build --bin callslip
	cargo run --manifest-path cluster/Cargo.toml -- $${CARGO_TARGET_DIR:-target}/debug/callslip

## lint: formatting, clippy and documentation, warnings refused
lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --all-features -- -D warnings
	cargo fmt --check --manifest-path cluster/Cargo.toml
	cargo clippy --manifest-path cluster/Cargo.toml -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet

## bench: ratios against floors and peers, measured in one run
bench:
	scripts/install-bench-deps.sh
	cargo run --release --manifest-path bench/Cargo.toml

## fuzz: each parser under libFuzzer for FUZZ_SECONDS; `make test` has a shorter, seeded form
FUZZ_SECONDS ?= 60
fuzz:
	command -v cargo-fuzz >/dev/null || cargo install --locked cargo-fuzz@0.13.2
	for target in feed_json feed_xml submit_json submit_xml query accept date; do \
		mkdir -p fuzz/corpus/$$target && \
		cargo fuzz run -s none $$target fuzz/corpus/$$target fuzz/seeds/$$target -- \
			-max_total_time=$(FUZZ_SECONDS) -max_len=4096 || exit 1; \
	done

clean:
	cargo clean
