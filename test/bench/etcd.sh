#!/usr/bin/env bash
# How fast walfs reads a directory of etcd's, compared with etcd-dump-logs and with cat of its
# segments, and how much memory both need. Prints markdown: medians over the rounds, in which
# they take turns, with the segments in the page cache. Needs root or fusermount3, and 800 MB
# below TMPDIR.
#
#   test/bench/etcd.sh [ROUNDS [ENTRIES]]
set -euo pipefail
cd "$(dirname "$0")/../.."
rounds=${1:-5} entries=${2:-1000000}
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
go build -o "$temp/walfs" ./cmd/walfs
go build -o "$temp/turns" ./test/bench/turns
go test -C test/etcd -c -o "$temp/write"
test/etcd/dump-logs.sh "$temp/etcd-dump-logs"
WALFS_WRITE_ETCD=1 "$temp/write" "$temp/log" "$entries"
mkdir -p "$temp/at" "$temp/one/member/wal" "$temp/one/member/snap"
cp "$temp"/log/member/wal/*0-*0.wal "$temp/one/member/wal"

echo "$entries entries of 300 bytes, $(du -sm "$temp/log/member/wal" | cut -f 1) MB of segments." \
	"$(nproc) cores, Linux $(uname -r), $(stat -f -c %T "$temp" | sed 's|ext2/ext3|ext4|')."
echo
"$temp/turns" "$rounds" <<END
cat member/wal/* | cat $temp/log/member/wal/*
walfs stat | $temp/walfs stat $temp/log
walfs mount | $temp/walfs mount $temp/log $temp/at
walfs dump --format json | $temp/walfs dump --format json $temp/log
walfs dump | $temp/walfs dump $temp/log
etcd-dump-logs | $temp/etcd-dump-logs $temp/log
cat one segment | cat $temp/one/member/wal/*
walfs stat, one segment | $temp/walfs stat $temp/one
END
