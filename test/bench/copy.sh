#!/usr/bin/env bash
# How fast walfs copy is, compared with cp --sparse=always and a read of what that has
# written, and with both flushed. Prints markdown: medians over the rounds, in which they
# take turns. Needs 1.5 GB below TMPDIR.
#
#   test/bench/copy.sh [ROUNDS]
set -euo pipefail
cd "$(dirname "$0")/../.."
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
go build -o "$temp" ./cmd/walfs ./test/torture/writer
"$temp/writer" -dir "$temp/small" -append-only -seconds 3 >/dev/null
"$temp/writer" -dir "$temp/large" -append-only -large -seconds 0.7 >/dev/null

# ms runs a command, and appends the milliseconds that it took to a file.
ms() {
	local file=$1 from
	shift
	from=$(date +%s%N)
	"$@" >/dev/null
	echo $((($(date +%s%N) - from) / 1000000)) >>"$file"
}
cp_and_read() {
	mkdir "$temp/out"
	cp -a --sparse=always "$1/." "$temp/out"
	[ -z "${2-}" ] || sync "$temp"/out/* "$temp/out"
	du -s "$temp/out" | cut -f 1 >"$temp/kib"
	# Holes are not read: walfs copy does not have them.
	tar -cSf - -C "$temp/out" . | cat >/dev/null
}
median() { sort -n "$1" | awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'; }

for log in small large; do
	for round in $(seq "${1:-5}"); do
		echo "$log: round $round of ${1:-5}" >&2
		rm -rf "$temp/out"
		ms "$temp/$log.cp" cp_and_read "$temp/$log"
		rm -rf "$temp/out"
		ms "$temp/$log.sync" cp_and_read "$temp/$log" sync
		rm -rf "$temp/out"
		ms "$temp/$log.walfs" "$temp/walfs" copy "$temp/$log" "$temp/out"
		rm -rf "$temp/out"
		ms "$temp/$log.tar" "$temp/walfs" copy "$temp/$log" "$temp/out.tar"
		rm -f "$temp/out.tar"
	done
	cp -a --sparse=always "$temp/$log" "$temp/out"
	du -sm "$temp/out" | cut -f 1 >"$temp/$log.size"
done

echo "Medians of ${1:-5} rounds, ms; $(nproc) cores, Linux $(uname -r), $(stat -f -c %T "$temp" | sed 's|ext2/ext3|ext4|')."
echo
echo "| | MB | cp and a read | the same, flushed | walfs copy, flushed and checked | to a tar archive |"
echo "|---|---|---|---|---|---|"
for log in small large; do
	case $log in
	small) what="entries of 260 bytes" ;;
	large) what="every fourth of 2 MB" ;;
	esac
	echo "| $what | $(cat "$temp/$log.size") | $(median "$temp/$log.cp") | $(median "$temp/$log.sync") | $(median "$temp/$log.walfs") | $(median "$temp/$log.tar") |"
done
