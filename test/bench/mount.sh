#!/usr/bin/env bash
# Measures a walfs mount against other ways to have a log's entries as files: plain files on
# the file system of the work folder (ext4), and archives mounted by squashfuse_ll and
# fuse-zip.
#
#   test/bench/mount.sh [-rounds N] [-keep DIR] [-svg FILE] [SIZE ...]
#
# For each size, 36k, 1M and 10M if none is given, it makes a log with as many entries of 300
# bytes. Programs work in entries/, or in the folder of one log file where the log has more
# than two million entries. Archives are of 100,000 files at most. The systems take turns in
# each of the rounds (5), archives in every third, so that other work on the machine slows
# down all of them; steps of less than a second five times a round. It prints Markdown: medians in seconds, what each step costs the server in
# processor time and requests, and the ratios that are wanted of walfs; -svg draws a picture of
# the times.
#
# "First" is on a new mount, of which the kernel has cached nothing, but with the log or the
# archive in the page cache: compare it with ext4 when all is cached. "From disk" is with all
# caches dropped, of 100,000 files at most. "Again" and tar are with what the kernel has kept of
# the steps before. Memory that the kernel needs for a mount is taken from the host, where
# there is one, before the times begin.
#
# It needs root, to drop caches and to mount, and per million entries 6 GB below TMPDIR. With
# -keep DIR what it makes stays there, and is used the next time; remove it where the entries
# would be others. Requests are counted by the kernel, Linux 6.8 or later, in a run of their
# own, without times.
set -euo pipefail
cd "$(dirname "$0")/../.."
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
trap : INT # the bench cleans up, and then this does
go build -o "$temp/walfs" ./cmd/walfs
go build -o "$temp/bench" ./test/bench/mount
"$temp/bench" -walfs "$temp/walfs" "$@"
