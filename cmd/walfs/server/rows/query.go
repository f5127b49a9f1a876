package rows

import (
	"maps"
	"net/url"
	"regexp/syntax"
	"slices"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/filter"
)

// FilterOf makes the filter that the parameters of an address ask for, under the names that
// walfs dump has for its filters. A regular expression that takes long is refused: others wait
// while it is tried, which cannot be broken off. Parameters without a value ask for nothing: forms have
// them. others are those that are no filters. It fails as filter.Filter's Set and Resolve do.
func FilterOf(q url.Values, log walcore.Log, others ...string) (*filter.Filter, error) {
	f := &filter.Filter{}
	for _, name := range slices.Sorted(maps.Keys(q)) {
		if slices.Contains(others, name) {
			continue
		}
		for _, value := range q[name] {
			if value == "" {
				continue
			}
			if err := f.Set(name, value); err != nil {
				return nil, err
			}
			if name == "grep" && isCostly(value) {
				return nil, filter.UsageError("grep: this regular expression would take too long here; walfs dump --grep takes any")
			}
		}
	}
	return f, f.Resolve(log)
}

// mostSteps is how many steps a regular expression has at most: it can take that much time for
// each byte.
const mostSteps = 400

// isCostly reports whether a regular expression has too many steps. Of one that is wrong, the
// filter says so.
func isCostly(pattern string) bool {
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return false
	}
	program, err := syntax.Compile(parsed.Simplify())
	return err == nil && len(program.Inst) > mostSteps
}
