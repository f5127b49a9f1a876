package filter

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// timeLayouts are the ways to write a time, beside RFC 3339. What is left out is zero.
var timeLayouts = []string{time.DateTime, "2006-01-02 15:04", time.DateOnly, "2006-01-02T15:04:05", "2006-01-02T15:04"}

var errNoTime = errors.New(`want a time, as in 2026-03-01, "2026-03-01 15:04" or 2026-03-01T15:04:05Z, or how long ago, as in 90m, 3h or 2d`)

func parseTimeNow(text string) (time.Time, error) { return parseTime(text, time.Now()) }

// parseTime takes a time, in now's zone unless it names one, or how long before now.
func parseTime(text string, now time.Time) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	for _, layout := range timeLayouts {
		if t, err := time.ParseInLocation(layout, text, now.Location()); err == nil {
			return t, nil
		}
	}
	ago, err := parseAgo(text)
	if err != nil {
		return time.Time{}, err
	}
	return now.Add(-ago), nil
}

// maxDays are those that a time.Duration can hold.
const maxDays = 100 * 365

// parseAgo takes a duration as Go writes it, with days in front or alone.
func parseAgo(text string) (time.Duration, error) {
	var days int
	rest := text
	if number, after, ok := strings.Cut(text, "d"); ok {
		n, err := strconv.ParseUint(number, 10, 32)
		if err != nil || n > maxDays {
			return 0, errNoTime
		}
		days, rest = int(n), after
	}
	ago := time.Duration(days) * 24 * time.Hour
	if rest == "" && days > 0 {
		return ago, nil
	}
	d, err := time.ParseDuration(rest)
	if err != nil || d < 0 || d > maxDays*24*time.Hour {
		return 0, errNoTime
	}
	return ago + d, nil
}
