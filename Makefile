.PHONY: build test ci bench

build:
	go build -o walfs ./cmd/walfs

test:
	go test ./...

ci:
	.ci/run

bench:
	test/bench/mount.sh
