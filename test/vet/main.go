// Command vet reports what go vet does, and errors of types, in packages and their tests:
//
//	GOOS=windows GOARCH=amd64 vet ./...
//
// It reads sources, those of the standard library and of other modules too, where go vet
// compiles them first: on a machine with an empty cache that takes ten times as long.
package main

import (
	"golang.org/x/tools/go/analysis/multichecker"
	"golang.org/x/tools/go/analysis/suite/vet"
)

func main() { multichecker.Main(vet.Suite...) }
