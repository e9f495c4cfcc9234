package verify

// SetMostUnsealed gives back how many it was.
func SetMostUnsealed(n int) (before int) {
	before, mostUnsealed = mostUnsealed, n
	return before
}
