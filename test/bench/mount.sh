#!/usr/bin/env bash
# Measures find, grep -r and tar on the entries of a Raft log: mounted by
# walfs, as plain files, and as a squashfs mounted by squashfuse_ll. Prints a
# Markdown table of medians, in seconds, and ratios.
#
#   test/bench/mount.sh [FIXTURE.tar.gz]
#
# REPEATS=N changes the number of rounds (5). The three take turns in each round, so
# that other work on the machine slows down all of them. In a round each gets a new
# mount. Then find and grep -r run, each once with empty caches and once again, and
# then tar. It needs root, to drop caches and to mount, and about 300 MB in TMPDIR,
# which should be on the file system to compare with.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
fixture=${1:-$root/../shared/fixtures/alpha-killed.tar.gz}
repeats=${REPEATS:-5}
systems="walfs plain squashfuse_ll"
steps="find1 find2 grep1 grep2 tar"

fail() {
	echo "mount.sh: $*" >&2
	exit 1
}

for tool in go tar grep find awk sort mksquashfs squashfuse_ll umount; do
	command -v "$tool" >/dev/null || fail "$tool is not installed"
done
[ "$(id -u)" = 0 ] || fail "this mounts and drops caches: run it as root"
[ -w /dev/fuse ] || fail "there is no /dev/fuse"
[ -r "$fixture" ] || fail "$fixture is not there; name a fixture: mount.sh FIXTURE.tar.gz"

work=$(mktemp -d "${TMPDIR:-/tmp}/walfs-bench-XXXXXX")
pid=
cleanup() {
	trap - EXIT
	for at in "$work/walfs" "$work/squashfuse_ll"; do
		if mountpoint -q "$at" 2>/dev/null; then umount -l "$at"; fi
	done
	if [ -n "$pid" ]; then wait "$pid" || true; fi
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP

mount_walfs() {
	"$work/walfs.bin" mount "$log" "$work/walfs" 2>"$work/said" &
	pid=$!
	# walfs prints this line when it serves, or when it cannot.
	read -r -t 60 line <&3 || fail "walfs says nothing"
	case $line in
	*serving*) ;;
	*) fail "$line" ;;
	esac
}

unmount_walfs() {
	umount "$work/walfs"
	wait "$pid"
	pid=
}

drop_caches() {
	sync
	echo 3 >/proc/sys/vm/drop_caches
}

# timed STEP SYSTEM FOLDER COMMAND...: runs the command in the folder.
timed() {
	local step=$1 system=$2 folder=$3 from to
	shift 3
	cd "$folder"
	from=${EPOCHREALTIME/[^0-9]/}
	"$@" >/dev/null
	to=${EPOCHREALTIME/[^0-9]/}
	cd "$work"
	echo $((to - from)) >>"$work/times.$system.$step"
}

do_find() { find . -type f -size +0; }
# No entry has this text, so grep reads every byte. Its exit code is 1 then.
do_grep() { grep -r 'no entry holds this text' . || [ $? = 1 ]; }
# GNU tar does not read files if it writes to /dev/null.
do_tar() { tar -cf - . | cat; }

measure() {
	local system=$1 folder=$2
	drop_caches
	timed find1 "$system" "$folder" do_find
	timed find2 "$system" "$folder" do_find
	drop_caches
	timed grep1 "$system" "$folder" do_grep
	timed grep2 "$system" "$folder" do_grep
	timed tar "$system" "$folder" do_tar
}

median() { sort -n "$1" | awk '{v[NR]=$1} END {print (v[int((NR+1)/2)] + v[int(NR/2)+1]) / 2}'; }

(cd "$root" && go build -o "$work/walfs.bin" ./cmd/walfs)
mkfifo "$work/said"
exec 3<>"$work/said"
mkdir "$work/log" "$work/plain" "$work/walfs" "$work/squashfuse_ll"
tar -xzSf "$fixture" -C "$work/log"
log=$work/log/$(ls "$work/log")

mount_walfs
cp -r "$work/walfs/entries/." "$work/plain"
unmount_walfs
mksquashfs "$work/plain" "$work/squashfs" -quiet -no-progress >/dev/null
files=$(find "$work/plain" -type f | wc -l)
bytes=$(find "$work/plain" -type f -printf '%s\n' | awk '{n += $1} END {print n}')
same=$(find "$work/plain" -type f -size +0 | wc -l)

for round in $(seq "$repeats"); do
	echo "round $round of $repeats" >&2
	mount_walfs
	measure walfs "$work/walfs/entries"
	[ "$(find "$work/walfs/entries" -type f -size +0 | wc -l)" = "$same" ] || fail "the mount shows other files"
	unmount_walfs

	measure plain "$work/plain"

	squashfuse_ll "$work/squashfs" "$work/squashfuse_ll"
	measure squashfuse_ll "$work/squashfuse_ll"
	umount "$work/squashfuse_ll"
done

for system in $systems; do
	for step in $steps; do
		echo "$system $step $(median "$work/times.$system.$step")"
	done
done >"$work/medians"

echo "$files files, $bytes bytes; medians of $repeats rounds, in seconds; $(nproc) cores, Linux $(uname -r)."
echo "First: on a new mount, with empty caches. Again, and tar: with what the kernel has cached."
echo
awk -v steps="$steps" -v fs="$(stat -f -c %T "$work")" '
	{ t[$1, $2] = $3 / 1e6 }
	function row(title, who,   i) {
		printf "| %s |", title
		for (i = 1; i <= n; i++) printf " %.2f |", t[who, step[i]]
		print ""
	}
	function ratios(title, a, b,   i) {
		printf "| %s |", title
		for (i = 1; i <= n; i++) printf " %.1f× |", t[a, step[i]] / t[b, step[i]]
		print ""
	}
	END {
		n = split(steps, step, " ")
		sub("ext2/ext3", "ext4", fs)
		print "| | `find -type f -size +0`, first | again | `grep -r`, first | again | `tar` |"
		print "|---|---|---|---|---|---|"
		row("walfs mount", "walfs")
		row("plain files on " fs, "plain")
		row("squashfuse_ll", "squashfuse_ll")
		ratios("walfs : plain files", "walfs", "plain")
		ratios("squashfuse_ll : walfs", "squashfuse_ll", "walfs")
	}' "$work/medians"
