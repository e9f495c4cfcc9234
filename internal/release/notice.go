package main

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
)

// writeNotice writes the licences of all modules, each text once.
func (r *release) writeNotice(modules []*module) error {
	return writeFile(filepath.Join(r.workFolder, noticeFile), func(out io.Writer) error {
		text := &strings.Builder{}
		fmt.Fprintf(text, "sessionlog %s\nCopyright The sessionlog authors, Apache License 2.0.\n\nThe programs contain these modules under the licences that follow:\n\n", r.version)
		for _, m := range modules {
			fmt.Fprintf(text, "%s %s: %s\n", m.path, m.version, strings.Join(m.licences, ", "))
		}
		for _, one := range distinctTexts(modules) {
			fmt.Fprintf(text, "\n%s\n%s:\n\n%s\n", strings.Repeat("-", 80), strings.Join(one.modules, ", "), one.text)
		}
		_, err := io.WriteString(out, text.String())
		return err
	})
}

const noticeFile = "NOTICE"

// sharedText is one that modules have in common.
type sharedText struct {
	text    string
	modules []string
}

func distinctTexts(modules []*module) (all []sharedText) {
	for _, m := range modules {
		for _, text := range m.texts {
			i := slices.IndexFunc(all, func(s sharedText) bool { return s.text == text })
			if i < 0 {
				i, all = len(all), append(all, sharedText{text: text})
			}
			all[i].modules = append(all[i].modules, m.path)
		}
	}
	return all
}
