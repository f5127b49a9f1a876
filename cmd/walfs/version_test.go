package main

import (
	"runtime"
	"runtime/debug"
	"testing"
)

func TestVersionOf(t *testing.T) {
	platform := "go " + runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH + "\n"
	for _, test := range []struct {
		info debug.BuildInfo
		want string
	}{
		{debug.BuildInfo{}, "walfs unknown\ncommit unknown\ndate unknown\n"},
		{debug.BuildInfo{Main: debug.Module{Version: "v0.1.0"}, Settings: []debug.BuildSetting{
			{Key: "vcs.revision", Value: "1234"}, {Key: "vcs.time", Value: "2026-11-27T10:00:00Z"}, {Key: "vcs.modified", Value: "false"}}},
			"walfs v0.1.0\ncommit 1234\ndate 2026-11-27T10:00:00Z\n"},
		{debug.BuildInfo{Main: debug.Module{Version: "(devel)"}, Settings: []debug.BuildSetting{
			{Key: "vcs.modified", Value: "true"}, {Key: "vcs.revision", Value: "1234"}}},
			"walfs (devel)\ncommit 1234, with changes\ndate unknown\n"},
	} {
		if got := versionOf(&test.info); got != test.want+platform {
			t.Errorf("%s, want %s", got, test.want+platform)
		}
	}
}
