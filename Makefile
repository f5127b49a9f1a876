.PHONY: build test ci bench release packages image

build:
	go build -o walfs ./cmd/walfs

test:
	go test ./...

ci:
	.ci/run

bench:
	test/bench/mount.sh

# All of a release, in dist/.
release:
	cmd/walfs/packaging/release

# The deb and the rpm for this machine, in dist/.
packages:
	cmd/walfs/packaging/release packages

# An image from scratch.
image:
	cmd/walfs/packaging/release binary
	podman build -t walfs -f cmd/walfs/packaging/Containerfile dist
