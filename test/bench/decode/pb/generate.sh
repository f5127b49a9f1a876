#!/usr/bin/env bash
# Makes pb.go of the schema that walfs itself decodes by. Needs protoc and
# protoc-gen-go; the option that marks secrets is newer than some of them.
set -euo pipefail
cd "$(dirname "$0")"
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
sed 's/ \[debug_redact = true\]//' ../../../../walcore/payload/dgraph.proto >"$temp/dgraph.proto"
protoc -I "$temp" --go_out=. --go_opt=paths=source_relative \
	--go_opt=Mdgraph.proto=github.com/walfs/walfs/test/bench/decode/pb "$temp/dgraph.proto"
gofmt -w dgraph.pb.go
