#!/usr/bin/env bash
# Whether a mount, or with -copy walfs copy, slows down the node whose log it reads: see
# disturb/main_linux.go.
# Prints markdown. Needs root or fusermount3, and 2 GB below TMPDIR.
#
#   test/bench/disturb.sh [ROUNDS [SECONDS [-copy] [-rate ENTRIES]]]
set -euo pipefail
cd "$(dirname "$0")/../.."
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
go build -o "$temp" ./cmd/walfs ./test/torture/writer ./test/bench/disturb
"$temp/disturb" -walfs "$temp/walfs" -writer "$temp/writer" -rounds "${1:-5}" -seconds "${2:-10}" "${@:3}"
