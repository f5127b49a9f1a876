#!/usr/bin/env bash
# How fast walfs reads the directories of HashiCorp's two stores, compared with a cursor of
# bbolt's over raft.db and with cat of raft-wal's segments, and how much memory they need. Prints
# markdown: medians over the rounds, in which they take turns, with the files in the page
# cache. Needs root or fusermount3, and 1.3 GB below TMPDIR.
#
#   test/bench/hashicorp.sh [ROUNDS [ENTRIES]]
set -euo pipefail
cd "$(dirname "$0")/../.."
rounds=${1:-5} entries=${2:-1000000}
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
go build -o "$temp/walfs" ./cmd/walfs
go build -o "$temp/turns" ./test/bench/turns
go test -C test/hashicorp -c -o "$temp/stores"
for store in bolt wal; do
	mkdir "$temp/$store"
	WALFS_BENCH_STORE=write "$temp/stores" "$store" "$temp/$store" "$entries"
done
mkdir "$temp/at"

echo "$entries entries of 300 bytes: raft.db has $(du -sm "$temp/bolt" | cut -f 1) MB," \
	"raft-wal's segments $(du -sm "$temp/wal/wal" | cut -f 1)." \
	"$(nproc) cores, Linux $(uname -r), $(stat -f -c %T "$temp" | sed 's|ext2/ext3|ext4|')."
echo
"$temp/turns" "$rounds" <<END
a cursor over raft.db | env WALFS_BENCH_STORE=walk $temp/stores $temp/bolt
a cursor that sums the values | env WALFS_BENCH_STORE=sum $temp/stores $temp/bolt
walfs stat, raft.db | $temp/walfs stat $temp/bolt
walfs mount, raft.db | $temp/walfs mount $temp/bolt $temp/at
walfs dump --format json, raft.db | $temp/walfs dump --format json $temp/bolt
cat wal/* | cat $temp/wal/wal/*
walfs stat, raft-wal | $temp/walfs stat $temp/wal
walfs mount, raft-wal | $temp/walfs mount $temp/wal $temp/at
walfs dump --format json, raft-wal | $temp/walfs dump --format json $temp/wal
END
