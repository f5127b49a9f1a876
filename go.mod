module github.com/walfs/walfs

go 1.26.0

require (
	github.com/bufbuild/protocompile v0.14.1
	go.etcd.io/raft/v3 v3.7.0
	google.golang.org/protobuf v1.36.12
)

require golang.org/x/sync v0.10.0 // indirect
