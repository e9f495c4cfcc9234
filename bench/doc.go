// Package bench puts our components beside what a user would take in their place, in the same run. It is a module of its own, so
// that nobody who builds the collector fetches what only a comparison needs.
package bench
