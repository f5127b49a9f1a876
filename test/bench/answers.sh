#!/usr/bin/env bash
# Measures stats, explain and export against dump on an Alpha's log of a million entries.
# Prints a Markdown table: seconds and processor seconds, medians, and memory in MiB.
#
#   test/bench/answers.sh [ROUNDS]
#
# The commands take turns in each of the rounds (5 if not given), so that other work on the
# machine slows down all of them. It needs 2 GB below TMPDIR. FIXTURES is where
# alpha-killed.tar.gz is (../shared/fixtures if not set).
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
fixture=${FIXTURES:-$root/../shared/fixtures}/alpha-killed.tar.gz
rounds=${1:-5}
[ -x /usr/bin/time ] || { echo "answers.sh: /usr/bin/time is not installed" >&2; exit 1; }
[ -e "$fixture" ] || { echo "answers.sh: $fixture is missing: set FIXTURES" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

(cd "$root" && go build -o "$work/walfs" ./cmd/walfs)
(cd "$root/test/bench/decode" && go build -o "$work/mklog" ./mklog)
tar -xzSf "$fixture" -C "$work"
"$work/mklog" "$work/log" 1000000 "$work/alpha-killed"

commands=(
	"dump --format raw"
	"dump --format json --decode"
	"stats --by file"
	"stats --by kind"
	"stats"
	"explain"
	"export --out $work/lake"
	"export --format csv --out $work/lake"
)
for round in $(seq "$rounds"); do
	echo "round $round of $rounds" >&2
	for i in "${!commands[@]}"; do
		rm -rf "$work/lake"
		# shellcheck disable=SC2086 # they are words
		/usr/bin/time -a -o "$work/times.$i" -f "%e %U %S %M" "$work/walfs" ${commands[$i]} "$work/log" >/dev/null
	done
done

median() { sort -n | sed -n "$(((rounds + 1) / 2))p"; }
echo "| | seconds | processor | MiB |"
echo "|---|---|---|---|"
for i in "${!commands[@]}"; do
	seconds=$(cut -d' ' -f1 "$work/times.$i" | median)
	processor=$(awk '{ printf "%.2f\n", $2 + $3 }' "$work/times.$i" | median)
	memory=$(awk '{ printf "%d\n", $4 / 1024 }' "$work/times.$i" | median)
	echo "| walfs ${commands[$i]// --out $work\/lake/} | $seconds | $processor | $memory |"
done
