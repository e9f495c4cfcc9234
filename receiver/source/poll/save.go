package poll

import "context"

// save enters a delivered page into the delivery log and stores it: ids first, then minutes and days.
func (s *state) save(ctx context.Context, pg *page) error {
	for rest := pg.told; len(rest) > 0; {
		minute := rest[0].minute
		var fresh []uint64
		for len(rest) > 0 && rest[0].minute == minute {
			fresh, rest = append(fresh, rest[0].id), rest[1:]
		}
		if err := s.saveIDs(ctx, minute, fresh); err != nil {
			return err
		}
	}
	if len(pg.done) == 0 {
		return nil
	}
	return s.saveEntries(ctx, pg.done)
}

func (s *state) saveEntries(ctx context.Context, entries []entry) error {
	dirty, folded := map[int64]bool{}, map[int64]bool{}
	opened := false
	for _, e := range entries {
		at := floor(e.start, Day)
		switch e.kind {
		case minuteRead:
			opened = s.setMinute(e.start, e.Tally) || opened
			dirty[at], folded[at] = true, false
		case dayDone:
			s.compact(at, s.ofDay(at))
			dirty[at], folded[at] = false, true
		case dayTotal:
			s.compact(at, e.Tally)
			dirty[at], folded[at] = false, true
		}
	}
	if opened || len(folded) > 0 {
		if err := s.saveDays(ctx); err != nil {
			return err
		}
	}
	for at, is := range dirty {
		if is {
			if err := s.saveMinutes(ctx, at); err != nil {
				return err
			}
		}
	}
	for at, is := range folded {
		if is {
			if err := s.store.Delete(ctx, s.minutesKey(at)); err != nil {
				return err
			}
		}
	}
	return nil
}
