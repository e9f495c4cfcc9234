package main

import (
	"cmp"
	"context"
	"io"
	"maps"
	"net/url"
	"slices"
	"time"

	"github.com/CycloneDX/cyclonedx-go"
)

// writeContents writes what the programs are made of: a bill of materials of each, and the licences of all modules.
func (r *release) writeContents(ctx context.Context) error {
	all := map[string]*module{}
	for _, program := range programs {
		modules, err := r.programModules(program)
		if err != nil {
			return err
		}
		if err := readLicences(ctx, modules); err != nil {
			return err
		}
		if err := r.writeBillOfMaterials(program, modules); err != nil {
			return err
		}
		for _, m := range modules {
			all[m.path] = m
		}
	}
	return r.writeNotice(slices.SortedFunc(maps.Values(all), func(a, b *module) int { return cmp.Compare(a.path, b.path) }))
}

// writeBillOfMaterials writes the bill of materials of a program on all platforms, in CycloneDX.
func (r *release) writeBillOfMaterials(program string, modules []*module) error {
	bill := cyclonedx.NewBOM()
	ref := packageURL(ourModules, "v"+r.version) + "#cmd/" + program
	bill.Metadata = &cyclonedx.Metadata{
		Timestamp: r.made.Format(time.RFC3339),
		Component: &cyclonedx.Component{
			BOMRef: ref, Type: cyclonedx.ComponentTypeApplication, Name: program, Version: "v" + r.version, PackageURL: ref, Licenses: licenceChoices("Apache-2.0"),
		},
	}
	var components []cyclonedx.Component
	var refs []string
	for _, m := range modules {
		ref := packageURL(m.path, m.version)
		refs = append(refs, ref)
		components = append(components, cyclonedx.Component{
			BOMRef: ref, Type: cyclonedx.ComponentTypeLibrary, Name: m.path, Version: m.version, PackageURL: ref, Licenses: licenceChoices(m.licences...),
		})
	}
	bill.Components = &components
	bill.Dependencies = &[]cyclonedx.Dependency{{Ref: ref, Dependencies: &refs}}
	return writeFile(r.file("%s_%s.cdx.json", program, r.version), func(out io.Writer) error {
		return cyclonedx.NewBOMEncoder(out, cyclonedx.BOMFileFormatJSON).SetPretty(true).Encode(bill)
	})
}

func packageURL(path, version string) string {
	return "pkg:golang/" + path + "@" + url.PathEscape(version)
}

func licenceChoices(identifiers ...string) *cyclonedx.Licenses {
	var choices cyclonedx.Licenses
	for _, id := range identifiers {
		choices = append(choices, cyclonedx.LicenseChoice{License: &cyclonedx.License{ID: id}})
	}
	return &choices
}
