#!/usr/bin/env bash
# Runs the same Raft log work on walfs and on other logs, and prints markdown:
# medians over the rounds. Needs some 3 GB below TMPDIR, which should be on the
# disk to be measured.
#
#   test/bench/storage.sh [ROUNDS]
#
# BENCHTIME is how long each append, read and Term is measured in a round (1s if
# not set). OUT is a file that keeps what `go test -bench` printed, for benchstat:
#
#   benchstat -filter .name:Append -col /store -row '/durable /size /batch' OUT
set -euo pipefail
cd "$(dirname "$0")/storage"
rounds=${1:-5}
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
out=${OUT:-$temp/out}
case $out in /*) ;; *) out=$OLDPWD/$out ;; esac

go test -c -o "$temp/bench"
: >"$out"
# measure STORE WORK BENCHTIME. Each has a process of its own, with nothing to be
# collected or written to disk that is left of what ran before it.
measure() {
	sync -f "$temp"
	"$temp/bench" -test.run '^$' -test.bench "^Benchmark$2\$/^store=$1\$" -test.benchtime "$3" >>"$out"
}
# The stores take turns in each round, so that other work on the machine slows down
# all of them.
for round in $(seq "$rounds"); do
	echo "round $round of $rounds" >&2
	for work in Append Read Term; do
		for store in $("$temp/bench" -stores); do measure "$store" "$work" "${BENCHTIME:-1s}"; done
	done
	for store in $("$temp/bench" -stores); do measure "$store" Open 5x; done
done

echo "Medians of $rounds rounds; $(nproc) cores, Linux $(uname -r), $(stat -f -c %T "$temp" | sed 's|ext2/ext3|ext4|')."
awk '
	# A benchmark is a line of words, then pairs of a figure and its unit.
	/^Benchmark/ {
		work = $1
		sub(/-[0-9]+$/, "", work)
		match(work, /store=[^\/]+/)
		store = substr(work, RSTART + 6, RLENGTH - 6)
		sub(/\/store=[^\/]+/, "", work)
		if (!(store in seen)) { seen[store] = 1; order[++stores] = store }
		count[work, store]++
		for (i = 3; i < NF; i += 2) value[work, store, $(i + 1), count[work, store]] = $i
	}
	function median(work, store, unit,   i, j, k, v, t) {
		k = count[work, store]
		for (i = 1; i <= k; i++) {
			t = value[work, store, unit, i]
			for (j = i; j > 1 && v[j - 1] > t; j--) v[j] = v[j - 1]
			v[j] = t
		}
		return (v[int((k + 1) / 2)] + v[int(k / 2) + 1]) / 2
	}
	function figure(work, store, unit, scale,   x) {
		x = median(work, store, unit) / scale
		return sprintf(x < 100 ? "%.1f" : "%.0f", x)
	}
	function cell(work, store, unit, scale) {
		return count[work, store] ? " " figure(work, store, unit, scale) " |" : " |"
	}
	# With flushes, the median call: other work on the disk makes some calls very
	# slow. Without, the mean, which has the calls that make new files, and the median.
	function append(durable, size, batch, store,   work) {
		work = "BenchmarkAppend/durable=" durable "/size=" size "/batch=" batch
		if (durable == "yes") return cell(work, store, "p50-ns/op", 1e3)
		return " " figure(work, store, "ns/op", 1e3) " (" figure(work, store, "p50-ns/op", 1e3) ") |"
	}
	function appends(durable,   s, store) {
		print "| µs a call | 1 × 128 B | 64 × 128 B | 1 × 4 KiB | 64 × 4 KiB |\n|---|---|---|---|---|"
		for (s = 1; s <= stores; s++) {
			store = order[s]
			if (!count["BenchmarkAppend/durable=" durable "/size=128/batch=1", store]) continue
			print "| " store " |" append(durable, 128, 1, store) append(durable, 128, 64, store) \
				append(durable, 4096, 1, store) append(durable, 4096, 64, store)
		}
	}
	END {
		print "\nAppends that survive power loss, the median call:\n"
		appends("yes")
		print "\nAppends that survive the end of the process, the mean call (and the median):\n"
		appends("no")
		read = "BenchmarkRead/entries=100000/size=256/range="
		all = read "100000"
		print "\nReading:\n"
		print "| | 100,000 × 256 B, ms | processor ms | allocations | 20,000 × 4 KiB, ms | 4,096 × 256 B, ms | 1 × 256 B, µs | Term, ns |\n|---|---|---|---|---|---|---|---|"
		for (s = 1; s <= stores; s++) {
			store = order[s]
			if (!count[all, store]) continue
			print "| " store " |" cell(all, store, "ns/op", 1e6) cell(all, store, "cpu-ns/op", 1e6) \
				" " median(all, store, "allocs/op") " |" cell("BenchmarkRead/entries=20000/size=4096/range=20000", store, "ns/op", 1e6) \
				cell(read "4096", store, "ns/op", 1e6) cell(read "1", store, "ns/op", 1e3) cell("BenchmarkTerm/entries=100000", store, "ns/op", 1)
		}
		open = "BenchmarkOpen/entries="
		print "\nOpening:\n"
		print "| | 100,000 entries, ms | 1,000,000, ms |\n|---|---|---|"
		for (s = 1; s <= stores; s++) {
			store = order[s]
			if (!count[open "100000/size=128", store]) continue
			print "| " store " |" cell(open "100000/size=128", store, "ns/op", 1e6) cell(open "1000000/size=128", store, "ns/op", 1e6)
		}
	}' "$out"
