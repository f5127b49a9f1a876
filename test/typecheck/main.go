// Command typecheck looks for errors that a compiler would report on other systems, in all
// packages of the module in the current folder and in their tests.
//
//	typecheck GOOS/GOARCH...
//
// It reads sources, those of the standard library and of other modules too, and compiles
// nothing: that takes a tenth of the time.
package main

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/tools/go/packages"
)

func main() {
	if len(os.Args) == 1 {
		fmt.Fprintln(os.Stderr, "usage: typecheck GOOS/GOARCH...")
		os.Exit(2)
	}
	for _, system := range os.Args[1:] {
		if err := check(system); err != nil {
			fmt.Fprintf(os.Stderr, "typecheck: %s: %v\n", system, err)
			os.Exit(1)
		}
	}
}

func check(system string) error {
	goos, goarch, ok := strings.Cut(system, "/")
	if !ok {
		return fmt.Errorf("want GOOS/GOARCH, as in windows/amd64")
	}
	const types = packages.NeedName | packages.NeedImports | packages.NeedDeps | packages.NeedTypes | packages.NeedSyntax
	loaded, err := packages.Load(&packages.Config{
		Mode:  types | packages.NeedTypesInfo | packages.NeedTypesSizes,
		Env:   append(os.Environ(), "CGO_ENABLED=0", "GOOS="+goos, "GOARCH="+goarch),
		Tests: true,
	}, "./...")
	if err != nil {
		return err
	}
	if n := packages.PrintErrors(loaded); n > 0 {
		return fmt.Errorf("errors: %d", n)
	}
	if len(loaded) == 0 {
		return fmt.Errorf("no packages in this folder")
	}
	fmt.Printf("%s: %d packages\n", system, len(loaded))
	return nil
}
