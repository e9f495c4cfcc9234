package input

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
)

// Format is a kind of file.
type Format struct {
	Recorded string // the recorded file, from the repository's root

	key    *regexp.Regexp // what the rows of one session share, and no others have
	places []place
	open   int                     // sessions at a time
	events func(rows []string) int // that a recorded session tells; 0 leaves it out
}

// recording is one recorded session.
type recording struct {
	rows   [][]piece
	events int
}

// recordings reads the sessions of the recorded file, in its order.
func (f Format) recordings(root string) ([]recording, error) {
	file, err := os.Open(filepath.Join(root, filepath.FromSlash(f.Recorded)))
	if err != nil {
		return nil, err
	}
	sessions, order := map[string][]string{}, []string{}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		key := f.key.FindString(lines.Text())
		if len(sessions[key]) == 0 {
			order = append(order, key)
		}
		sessions[key] = append(sessions[key], lines.Text())
	}
	if err := errors.Join(lines.Err(), file.Close()); err != nil {
		return nil, err
	}
	var all []recording
	for _, key := range order {
		events := f.events(sessions[key])
		if events == 0 {
			continue
		}
		recorded := recording{events: events}
		for _, row := range sessions[key] {
			recorded.rows = append(recorded.rows, cutRow(row, f.places))
		}
		all = append(all, recorded)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s has no session that can be repeated", f.Recorded)
	}
	return all, nil
}

// eachRow is for formats of which every row is an event.
func eachRow(rows []string) int { return len(rows) }
