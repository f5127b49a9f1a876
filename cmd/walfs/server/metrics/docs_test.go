package metrics

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore/status"
)

const docs = "../../docs/"

var row = regexp.MustCompile("(?m)^\\| `walfs_.*$")

// TestPage: the page lists each metric, with its labels and what it is.
func TestPage(t *testing.T) {
	page := string(fixture.ReadFile(t, docs+"monitoring.md"))
	var want []string
	for _, m := range all {
		var labels []string
		for _, l := range m.labels[1:] {
			labels = append(labels, "`"+l+"`")
		}
		want = append(want, fmt.Sprintf("| `%s` | %s | %s |", m.name, strings.Join(labels, ", "), m.help))
	}
	if got := row.FindAllString(page, -1); !slices.Equal(got, want) {
		t.Errorf("the page has\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if !strings.Contains(page, "newest "+status.Grouped(mostFiles)+" log files") {
		t.Error("the page does not say how many log files are told apart")
	}
}

// expressions are those of a dashboard's panels.
func expressions(t *testing.T) (list []string) {
	var dashboard struct {
		Templating struct {
			List []struct{ Name, Type, Definition string }
		}
		Panels []struct {
			Title      string
			Datasource struct{ UID string }
			Targets    []struct{ Expr string }
		}
	}
	fixture.Must(t, json.Unmarshal(fixture.ReadFile(t, docs+"monitoring/dashboard.json"), &dashboard))
	if v := dashboard.Templating.List[0]; v.Name != "datasource" || v.Type != "datasource" {
		t.Errorf("the first variable is %+v", v)
	}
	for _, v := range dashboard.Templating.List[1:] {
		list = append(list, regexp.MustCompile(`label_values\((.*), \w+\)`).ReplaceAllString(v.Definition, "$1"))
	}
	for _, p := range dashboard.Panels {
		if p.Datasource.UID != "${datasource}" || len(p.Targets) == 0 {
			t.Errorf("panel %s asks %q for %d expressions", p.Title, p.Datasource.UID, len(p.Targets))
		}
		for _, target := range p.Targets {
			list = append(list, target.Expr)
		}
	}
	return list
}

// TestDashboard: its expressions parse, and name only metrics that are exported.
func TestDashboard(t *testing.T) {
	rules := "groups: [{name: dashboard, rules: ["
	for _, e := range expressions(t) {
		checkNames(t, e)
		rule, err := json.Marshal(map[string]string{"record": "of:a:panel", "expr": strings.ReplaceAll(e, "$__rate_interval", "5m")})
		fixture.Must(t, err)
		rules += string(rule) + ", "
	}
	name := t.TempDir() + "/rules.yml"
	fixture.WriteFile(t, name, []byte(rules+"]}]"))
	if out, err := promtool(t, "", "check", "rules", "--lint=none", name); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

var named = regexp.MustCompile(`\bwalfs_\w+`)

// checkNames fails if a text names a metric that is none.
func checkNames(t *testing.T, text string) {
	t.Helper()
	for _, name := range named.FindAllString(text, -1) {
		if !slices.ContainsFunc(all, func(m *metric) bool { return m.name == name }) {
			t.Errorf("there is no metric %s: %s", name, text)
		}
	}
}

// TestRules: the alerts name only metrics that are exported, are as Prometheus wants them, and do
// what their own tests say.
func TestRules(t *testing.T) {
	const folder = docs + "monitoring/"
	for _, file := range []string{"walfs.rules.yml", "walfs.rules_test.yml"} {
		checkNames(t, string(fixture.ReadFile(t, folder+file)))
	}
	for _, args := range [][]string{{"check", "rules", folder + "walfs.rules.yml"}, {"test", "rules", folder + "walfs.rules_test.yml"}} {
		if out, err := promtool(t, "", args...); err != nil {
			t.Errorf("promtool %v: %v: %s", args, err, out)
		}
	}
}
