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
# The stores take turns in each round, so that other work on the machine slows down
# all of them.
for round in $(seq "$rounds"); do
	echo "round $round of $rounds" >&2
	"$temp/bench" -test.run '^$' -test.bench 'Append|Read|Term' -test.benchtime "${BENCHTIME:-1s}" >>"$out"
	"$temp/bench" -test.run '^$' -test.bench Open -test.benchtime 5x >>"$out"
done

echo "Medians of $rounds rounds; $(nproc) cores, Linux $(uname -r), $(stat -f -c %T "$temp" | sed 's|ext2/ext3|ext4|')."
awk '
	# A benchmark is a line of words, then pairs of a figure and its unit.
	/^Benchmark/ {
		name = $1
		sub(/-[0-9]+$/, "", name)
		split(name, part, "/")
		store = name
		sub(/.*store=/, "", store)
		work = name
		sub(/\/store=.*/, "", work)
		if (!(store in seen)) { seen[store] = 1; order[++stores] = store }
		# With flushes, the median: other work on the disk makes some of them
		# very slow. Without, the mean: it has the calls that make new files.
		unit = name ~ /Append\/durable=yes/ ? "p50-ns/op" : "ns/op"
		for (i = 3; i < NF; i += 2) {
			if ($(i + 1) == unit) value[work, store, ++n[work, store]] = $i
			if ($(i + 1) == "allocs/op") allocs[work, store] = $i
		}
	}
	function median(work, store,   i, j, k, v, t) {
		k = n[work, store]
		for (i = 1; i <= k; i++) {
			t = value[work, store, i]
			for (j = i; j > 1 && v[j - 1] > t; j--) v[j] = v[j - 1]
			v[j] = t
		}
		return (v[int((k + 1) / 2)] + v[int(k / 2) + 1]) / 2
	}
	function cell(work, store, scale,   x) {
		if (!n[work, store]) return " |"
		x = median(work, store) / scale
		return sprintf(x < 100 ? " %.1f |" : " %.0f |", x)
	}
	function appends(durable,   s, store, at) {
		print "| µs a call | 1 × 128 B | 64 × 128 B | 1 × 4 KiB | 64 × 4 KiB |\n|---|---|---|---|---|"
		at = "BenchmarkAppend/durable=" durable
		for (s = 1; s <= stores; s++) {
			store = order[s]
			if (!n[at "/size=128/batch=1", store]) continue
			print "| " store " |" cell(at "/size=128/batch=1", store, 1e3) cell(at "/size=128/batch=64", store, 1e3) \
				cell(at "/size=4096/batch=1", store, 1e3) cell(at "/size=4096/batch=64", store, 1e3)
		}
	}
	END {
		print "\nAppends that survive power loss, the median call:\n"
		appends("yes")
		print "\nAppends that survive the end of the process, the mean call:\n"
		appends("no")
		read = "BenchmarkRead/entries=100000/size=256"
		term = "BenchmarkTerm/entries=100000"
		print "\nReading and opening:\n"
		print "| | reading 100,000 × 256 B, ms | allocations | Term, ns | opening 100,000, ms | 1,000,000, ms |\n|---|---|---|---|---|---|"
		for (s = 1; s <= stores; s++) {
			store = order[s]
			if (!n[read, store]) continue
			print "| " store " |" cell(read, store, 1e6) " " allocs[read, store] " |" cell(term, store, 1) \
				cell("BenchmarkOpen/entries=100000/size=128", store, 1e6) cell("BenchmarkOpen/entries=1000000/size=128", store, 1e6)
		}
	}' "$out"
