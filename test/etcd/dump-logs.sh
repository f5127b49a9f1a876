#!/usr/bin/env bash
# Builds etcd-dump-logs as OUT. It is in etcd's own module, which does not go together with
# the versions of etcd's server that are used here.
#
#   test/etcd/dump-logs.sh OUT
set -euo pipefail
out=$(realpath "$1")
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
go mod init dump-logs
go get go.etcd.io/etcd/v3/tools/etcd-dump-logs@v3.6.8
go build -o "$out" go.etcd.io/etcd/v3/tools/etcd-dump-logs
