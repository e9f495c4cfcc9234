package clickhouse

// overlap has blocks mapped in a goroutine of its own while the next one is being received, decoded and made ready. Mapping
// takes the longest. Two blocks change places: the query always fills the one, mapping always looks at the other.
type overlap struct {
	fill, look *block
	work       chan struct{}
	done       chan error // nil, or what mapping says against it, once for each work
	busy       bool
}

// newOverlap starts the goroutine, which stop ends.
func newOverlap(fill, look *block, handle func(*block) error) *overlap {
	o := &overlap{fill: fill, look: look, work: make(chan struct{}), done: make(chan error)}
	go func() {
		defer close(o.done)
		for range o.work {
			o.done <- handle(look)
		}
	}()
	return o
}

// next takes over a block that has just been decoded. Its error is of this block or of the one before.
func (o *overlap) next(rows int) error {
	if err := o.fill.ready(rows); err != nil {
		return err
	}
	if err := o.wait(); err != nil {
		return err
	}
	o.fill.swap(o.look)
	o.work <- struct{}{}
	o.busy = true
	return nil
}

// stop waits for the last block and ends the goroutine.
func (o *overlap) stop() error {
	err := o.wait()
	close(o.work)
	for range o.done { // until it is closed
	}
	return err
}

func (o *overlap) wait() error {
	if !o.busy {
		return nil
	}
	o.busy = false
	return <-o.done
}

// swap exchanges what two blocks of one layout hold. Columns stay where they are, since a query has been told of them.
func (b *block) swap(o *block) {
	b.micros, o.micros = o.micros, b.micros
	b.authID, o.authID = o.authID, b.authID
	b.kind, o.kind = o.kind, b.kind
	b.address, o.address = o.address, b.address
	b.port, o.port = o.port, b.port
	b.hostname.swap(o.hostname)
	b.sessionID, o.sessionID = o.sessionID, b.sessionID
	b.user, o.user = o.user, b.user
	b.authType.numbers, o.authType.numbers = o.authType.numbers, b.authType.numbers
	b.iface.numbers, o.iface.numbers = o.iface.numbers, b.iface.numbers
	b.profiles.swap(o.profiles)
	b.roles.swap(o.roles)
	b.subjects.swap(o.subjects)
	b.settings.swap(o.settings)
	b.clientHostname, o.clientHostname = o.clientHostname, b.clientHostname
	b.clientName, o.clientName = o.clientName, b.clientName
	b.userAgent, o.userAgent = o.userAgent, b.userAgent
	b.revision, o.revision = o.revision, b.revision
	b.version, o.version = o.version, b.version
	b.reason, o.reason = o.reason, b.reason
	b.serial.swap(o.serial)
	b.issuer.swap(o.issuer)
	b.server.swap(o.server)
	b.notBefore, o.notBefore = o.notBefore, b.notBefore
	b.notAfter, o.notAfter = o.notAfter, b.notAfter
	b.authText, o.authText = o.authText, b.authText
	b.rows, o.rows = o.rows, b.rows
	for i := range b.extra {
		*b.extra[i].data, *o.extra[i].data = *o.extra[i].data, *b.extra[i].data
	}
}

func (d *dictionary) swap(o *dictionary) {
	*d, *o = *o, *d
	d.raw.Index, o.raw.Index = &d.index.ColStr, &o.index.ColStr
}

func (c *lists) swap(o *lists) {
	c.offsets, o.offsets = o.offsets, c.offsets
	c.values, o.values = o.values, c.values
	c.items.swap(o.items)
}

func (c *settings) swap(o *settings) {
	c.offsets, o.offsets = o.offsets, c.offsets
	c.all, o.all = o.all, c.all
	c.values, o.values = o.values, c.values
	c.names.swap(o.names)
}
