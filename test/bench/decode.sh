#!/usr/bin/env bash
# How fast walfs decodes entries, compared with protojson and types that
# protoc-gen-go has generated, and how much memory both need for 36 thousand entries
# and for a million. Prints markdown. Needs root or fusermount3, and 300 MB below TMPDIR.
#
#   test/bench/decode.sh [ROUNDS]
#
# FIXTURES is where alpha-killed.tar.gz is (../shared/fixtures if not set).
set -euo pipefail
cd "$(dirname "$0")/decode"
fixture=${FIXTURES:-../../../../shared/fixtures}/alpha-killed.tar.gz
[ -e "$fixture" ] || { echo "$fixture is missing: set FIXTURES" >&2; exit 1; }
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT

(cd ../../.. && go build -o "$temp/walfs" ./cmd/walfs)
go build -o "$temp" ./generated ./measure ./mklog
tar -xzSf "$fixture" -C "$temp"
"$temp/mklog" "$temp/long" 1000000 "$temp/alpha-killed"
"$temp/measure" -walfs "$temp/walfs" -generated "$temp/generated" \
	-short "$temp/alpha-killed" -long "$temp/long" -rounds "${1:-11}"
