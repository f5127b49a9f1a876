module github.com/walfs/walfs/test/bench/decode

go 1.26.0

require github.com/walfs/walfs v0.0.0

require github.com/dgraph-io/dgraph/v24 v24.0.5 // indirect

replace github.com/walfs/walfs => ../../..
