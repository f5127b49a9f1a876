#!/usr/bin/env bash
# Measures walfs check against cat and cp --sparse=always on three Raft directories: an
# Alpha's, its 36 thousand entries over and over up to a million, and 80 entries of 4 MiB.
# Prints a Markdown table of medians, in seconds, and check's memory in MiB.
#
#   test/bench/check.sh [ROUNDS]
#
# The three take turns in each of the rounds (5 if not given), so that other work on the
# machine slows down all of them: "first" is with all caches dropped, "again" with what the
# kernel keeps. It needs root, to drop caches, and 2 GB below TMPDIR. FIXTURES is where
# alpha-killed.tar.gz and bigdata.tar.gz are (../shared/fixtures if not set).
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
fixtures=${FIXTURES:-$root/../shared/fixtures}
rounds=${1:-5}

fail() {
	echo "check.sh: $*" >&2
	exit 1
}

[ "$(id -u)" = 0 ] || fail "this drops caches: run it as root"
[ -x /usr/bin/time ] || fail "/usr/bin/time is not installed"
for name in alpha-killed bigdata; do
	[ -e "$fixtures/$name.tar.gz" ] || fail "$fixtures/$name.tar.gz is missing: set FIXTURES"
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

(cd "$root" && go build -o "$work/walfs" ./cmd/walfs)
(cd "$root/test/bench/decode" && go build -o "$work/mklog" ./mklog)
for name in alpha-killed bigdata; do tar -xzSf "$fixtures/$name.tar.gz" -C "$work"; done
"$work/mklog" "$work/long" 1000000 "$work/alpha-killed"

do_cat() { cat "$work/$1"/* >/dev/null; }
do_cp() { cp -r --sparse=always "$work/$1" "$work/copy"; }
do_check() { /usr/bin/time -a -o "$work/memory.$1" -f %M "$work/walfs" check "$work/$1" >/dev/null; }

# timed STEP COMMAND LOG
timed() {
	local from to
	from=${EPOCHREALTIME/[^0-9]/}
	"do_$2" "$3"
	to=${EPOCHREALTIME/[^0-9]/}
	echo $((to - from)) >>"$work/times.$3.$2.$1"
	rm -rf "$work/copy"
}

logs="alpha-killed long bigdata"
for round in $(seq "$rounds"); do
	echo "round $round of $rounds" >&2
	for log in $logs; do
		for command in cat cp check; do
			sync
			echo 3 >/proc/sys/vm/drop_caches
			timed first "$command" "$log"
			timed again "$command" "$log"
		done
	done
done

median() { sort -n "$1" | awk '{v[NR]=$1} END {print (v[int((NR+1)/2)] + v[int(NR/2)+1]) / 2}'; }

echo "| log | payloads | | cat | cp | check | check : cat | MiB in memory |"
echo "|---|---|---|---|---|---|---|---|"
for log in $logs; do
	bytes=$("$work/walfs" stat --json "$work/$log" | awk '/^  "bytes":/ {print int($2 / 1e6)}')
	for step in first again; do
		row=
		for command in cat cp check; do
			row+=" $(median "$work/times.$log.$command.$step" | awk '{printf "%.2f", $1 / 1e6}') |"
		done
		ratio=$(echo "$(median "$work/times.$log.check.$step") $(median "$work/times.$log.cat.$step")" | awk '{printf "%.1f×", $1 / $2}')
		memory=$(median "$work/memory.$log" | awk '{printf "%.0f", $1 / 1024}')
		echo "| $log | $bytes MB | $step |$row $ratio | $memory |"
	done
done
