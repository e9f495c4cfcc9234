package query

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestHoursOfTheWeekFromThoseOfDays: what the shifts make of a day's hours is what the zone's clock shows, also where it changes on that day.
func TestHoursOfTheWeekFromThoseOfDays(t *testing.T) {
	for _, name := range []string{"UTC", "Europe/Berlin", "America/Sao_Paulo", "Pacific/Auckland", "Asia/Kolkata"} {
		zone, err := time.LoadLocation(name)
		require.NoError(t, err)
		o := QuestionOptions{Zone: zone}
		begin, days := time.Date(2026, 10, 20, 0, 0, 0, 0, time.UTC).UnixNano()/int64(oneDay), int64(14) // clocks change on the 25th
		shifts := o.shiftHours(begin, days, o.hoursBetween)
		for day := range days {
			for hour := range hoursOfDay {
				var made hourSet
				for _, s := range shifts {
					if bit := 1 << hour & uint64(s.Masks[day]); s.By < 0 {
						made |= hourSet(bit >> -s.By)
					} else {
						made |= hourSet(bit << s.By)
					}
				}
				at := (begin+day)*int64(oneDay) + int64(hour)*int64(time.Hour)
				want := hourSet(1<<weekHour(at, zone) | 1<<weekHour(at+int64(59*time.Minute), zone))
				require.Equal(t, want, made, "%s %d %d", name, day, hour)
			}
		}
	}
}
