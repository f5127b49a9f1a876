package main

import (
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/detect"
	"github.com/walfs/walfs/walcore/payload"
)

// ofLog gives what fn makes of the log in the DIR that was given, without its key. A
// shell has no place for errors: where there is no log, there is nothing to choose.
func ofLog(args []string, fn func(walcore.Log) []cobra.Completion) []cobra.Completion {
	if len(args) == 0 {
		return nil
	}
	log, err := (&readFlags{}).open(args[0])
	if err != nil {
		return nil
	}
	defer log.Close()
	return fn(log)
}

// indexes are those that have a name, with it. They come in their order.
func indexes(_ *cobra.Command, args []string, toComplete string) ([]cobra.Completion, cobra.ShellCompDirective) {
	choices := ofLog(args, func(log walcore.Log) []cobra.Completion {
		names := map[uint64][]string{}
		add := func(index uint64, name string) { names[index] = append(names[index], name) }
		m := log.Meta()
		first, knowsFirst := log.FirstIndex()
		last, knowsLast := log.LastIndex()
		isEmpty := knowsFirst && knowsLast && first > last
		if knowsFirst && !isEmpty {
			add(first, "first entry")
		}
		if m.SnapshotIndex != nil && *m.SnapshotIndex != 0 {
			add(*m.SnapshotIndex, "snapshot")
		}
		if m.CheckpointIndex != nil && *m.CheckpointIndex != 0 {
			add(*m.CheckpointIndex, "checkpoint")
		}
		if m.HardState != nil && m.HardState.Commit != 0 {
			add(m.HardState.Commit, "commit index")
		}
		if knowsLast && !isEmpty {
			add(last, "last entry")
		}
		var sorted []uint64
		for index := range names {
			sorted = append(sorted, index)
		}
		slices.Sort(sorted)
		return numbers(sorted, toComplete, func(index uint64) string { return strings.Join(names[index], ", ") })
	})
	return choices, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}

// termNumbers are the terms that have entries.
func termNumbers(_ *cobra.Command, args []string, toComplete string) ([]cobra.Completion, cobra.ShellCompDirective) {
	choices := ofLog(args, func(log walcore.Log) []cobra.Completion {
		return thin(numberNames(terms(log), "", toComplete), toComplete)
	})
	return choices, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}

// typeNames are the types of the log's system, or as long as no DIR is given, of all
// systems.
func typeNames(_ *cobra.Command, args []string, toComplete string) ([]cobra.Completion, cobra.ShellCompDirective) {
	types := detect.Types()
	ofLog(args, func(log walcore.Log) []cobra.Completion {
		types = log.Meta().System.Types
		return nil
	})
	var choices []cobra.Completion
	for _, t := range types {
		if strings.HasPrefix(t.Name, toComplete) {
			choices = append(choices, t.Name)
		}
	}
	return choices, cobra.ShellCompDirectiveNoFileComp
}

// messageNames are the messages in the schema that --proto names.
func messageNames(cmd *cobra.Command, _ []string, toComplete string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var names []string
	if schema, err := cmd.Flags().GetString("proto"); err == nil && schema != "" {
		messages, _ := payload.Messages(schema) // none, if it cannot be read
		for _, md := range messages {
			if name := string(md.FullName()); strings.HasPrefix(name, toComplete) {
				names = append(names, name)
			}
		}
	}
	return thin(names, toComplete), cobra.ShellCompDirectiveNoFileComp
}

// numbers are those that begin with what was typed, with descriptions.
func numbers(all []uint64, toComplete string, describe func(uint64) string) []cobra.Completion {
	var choices []cobra.Completion
	for _, n := range all {
		if name := strconv.FormatUint(n, 10); strings.HasPrefix(name, toComplete) {
			choices = append(choices, cobra.CompletionWithDesc(name, describe(n)))
		}
	}
	return choices
}
