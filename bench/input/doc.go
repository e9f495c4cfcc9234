// Package input writes files of any length in the shape of what was recorded on real servers. Each recorded session is cut at the values
// that differ from one session to the next (user, address, ids, times, settings); a written file is those sessions again and again, many of
// them open at a time, with values drawn from a seed. The same seed gives the same file.
package input
