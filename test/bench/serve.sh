#!/usr/bin/env bash
# Measures walfs serve on a log of Dgraph's: the overview as soon as the server answers and again,
# with all that it loads; a jump to an index; a search over all decoded entries, beside walfs dump;
# and, of a log of less than 100,000 entries, rclone's copy of entries/ over HTTP, beside cp and rclone
# from a mount, all to OUT.
#
#   test/bench/serve.sh DIR [GREP [OUT]]
#
# GREP is a regular expression of which DIR has few matches. OUT is a folder, /dev/shm if none is
# given. It needs curl, rclone and what a mount needs.
set -euo pipefail
dir=$(realpath "$1") grep=${2:-nothing has this} out=${3:-/dev/shm}
cd "$(dirname "$0")/../.."
temp=$(mktemp -d)
walfs=$temp/walfs server=
trap 'kill $server; "$walfs" umount "$temp/mnt" 2>/dev/null || true; rm -rf "$temp" "$out"/walfs-bench-*' EXIT
go build -o "$walfs" ./cmd/walfs
mkdir "$temp/mnt"
at=127.0.0.1:7467
name=$(basename "$dir")

get() { curl -s --compressed -o /dev/null -w "$1\n" "http://$at/$2"; }

"$walfs" serve --listen $at "$dir" 2>/dev/null &
server=$!
until curl -s -o /dev/null http://$at/api/openapi.yaml; do :; done
get 'overview, at once: %{time_total} s, %{size_download} bytes' "log/$name/"
get 'again: %{time_total} s' "log/$name/"
curl -s "http://$at/log/$name/" | grep -o '/static/[^"]*' | while read -r path; do get '%{size_download}' "${path#/}"; done |
	awk '{ sum += $1 } END { print "what it loads: " sum " bytes" }'
last=$(curl -s "http://$at/dir/$name/meta/last_index")
for part in 3 5 9; do get 'jump: %{time_total} s' "api/$name/entries?limit=200&from=$((last * part / 10))"; done
for _ in 1 2 3; do
	curl -s -G -o /dev/null -w 'search: first line after %{time_starttransfer} s, all after %{time_total}\n' \
		--data-urlencode "grep=$grep" -d limit=10000 "http://$at/api/$name/entries"
	TIMEFORMAT='walfs dump --grep: %R s'
	time "$walfs" dump --format json --grep "$grep" "$dir" >/dev/null
	((last < 100000)) || continue
	"$walfs" mount --background --log-file /dev/null "$dir" "$temp/mnt"
	TIMEFORMAT='cp from a mount: %R s, %U user, %S system'
	time cp -r "$temp/mnt/entries" "$out/walfs-bench-cp"
	TIMEFORMAT='rclone from the mount: %R s, %U user, %S system'
	time rclone copy -q "$temp/mnt/entries" "$out/walfs-bench-rclone"
	rm -r "$out"/walfs-bench-*
	"$walfs" umount "$temp/mnt"
	TIMEFORMAT='rclone over HTTP: %R s, %U user, %S system'
	time rclone copy -q --http-url "http://$at/dir/$name/" :http:entries "$out/walfs-bench-rclone"
	rm -r "$out"/walfs-bench-*
done
