// Times are texts with nanoseconds, as the API gives them. What is shown is in the reader's zone or in UTC.

export const readersZone = Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';

const formats = new Map();

function format(zone, options) {
  const key = zone + JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat('en-GB', {timeZone: zone, hourCycle: 'h23', ...options}));
  return formats.get(key);
}

const clock = {hour: '2-digit', minute: '2-digit'};
const clockSeconds = {...clock, second: '2-digit'};
const day = {day: 'numeric', month: 'short'};
const dayYear = {...day, year: 'numeric'};

const spaced = text => text.replaceAll(',', '');

export const millisOf = time => (typeof time === 'number' ? time : Date.parse(time));

// fractionOf is what follows the seconds: nine digits.
export const fractionOf = time => (/\.(\d+)/.exec(time)?.[1] ?? '').padEnd(9, '0').slice(0, 9);

export const clockOf = (time, zone) => format(zone, clock).format(millisOf(time));
export const secondsOf = (time, zone) => format(zone, clockSeconds).format(millisOf(time));
export const rowTime = (time, zone) => secondsOf(time, zone) + '.' + fractionOf(time).slice(0, 3);
export const dayOf = (time, zone) => spaced(format(zone, {weekday: 'short', ...dayYear}).format(millisOf(time)));
export const monthOf = (time, zone) => format(zone, {month: 'short', year: 'numeric'}).format(millisOf(time));
export const shortDay = (time, zone) => format(zone, day).format(millisOf(time));

// minuteOf leaves the year out where it is this one.
export function minuteOf(time, zone) {
  const year = {year: 'numeric'};
  const same = format(zone, year).format(millisOf(time)) === format(zone, year).format(Date.now());
  return spaced(format(zone, {...(same ? day : dayYear), ...clock}).format(millisOf(time)));
}

export function nanosecondsOf(time, zone) {
  return `${dayOf(time, zone)} ${secondsOf(time, zone)}.${fractionOf(time)} ${offsetName(time, zone)}`;
}

export function offsetName(time, zone) {
  if (zone === 'UTC') return 'UTC';
  const part = format(zone, {timeZoneName: 'longOffset'}).formatToParts(millisOf(time)).find(p => p.type === 'timeZoneName');
  return part.value.replace('GMT', '') || '+00:00';
}

function offsetOf(millis, zone) {
  const parts = Object.fromEntries(format(zone, {...dayYear, month: '2-digit', day: '2-digit', ...clockSeconds}).formatToParts(millis).map(p => [p.type, p.value]));
  const local = Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute, parts.second);
  return local - Math.floor(millis / 1000) * 1000;
}

// localOf and momentOf turn a moment into the text of a field for dates and back: "2026-11-29T08:00".
export const localOf = (millis, zone) => new Date(millis + offsetOf(millis, zone)).toISOString().slice(0, 16);

export const momentOf = (local, zone) => millisOfLocal(Date.parse(local.length === 10 ? local + 'T00:00:00Z' : local + 'Z'), zone);

function millisOfLocal(asUTC, zone) {
  const guess = asUTC - offsetOf(asUTC, zone);
  return asUTC - offsetOf(guess, zone);
}

export const hourMillis = 3_600_000;
export const dayMillis = 24 * hourMillis;

const tickSteps = [1000, 5000, 10_000, 30_000, 60_000, 300_000, 600_000, 1_800_000, hourMillis, 3 * hourMillis, 6 * hourMillis, 12 * hourMillis,
  ...[1, 2, 7, 14, 28, 91, 182, 364, 1820, 3640].map(days => days * dayMillis)];

// ticksOf are at most so many moments of a range, at round times of the zone.
export function ticksOf(from, to, most, zone) {
  const step = tickSteps.find(s => (to - from) / s <= most) ?? tickSteps.at(-1);
  const ticks = [];
  const end = to + offsetOf(to, zone);
  for (let local = Math.ceil((from + offsetOf(from, zone)) / step) * step; local <= end; local += step) ticks.push(millisOfLocal(local, zone));
  return {ticks, step};
}

const units = [['d', dayMillis], ['h', hourMillis], ['min', 60_000], ['s', 1000]];

// lengthOf writes a length of time by its two largest units: "3 h 12 min".
export function lengthOf(millis) {
  if (millis < 1000) return `${Math.round(millis)} ms`;
  if (millis < 10_000) return `${(millis / 1000).toFixed(1)} s`;
  const words = [];
  let rest = millis;
  for (const [name, size] of units) {
    const n = Math.floor(rest / size);
    rest -= n * size;
    if (n > 0) words.push(`${n} ${name}`);
    else if (words.length) break;
    if (words.length === 2) break;
  }
  return words.join(' ');
}

// agoOf writes by one unit how long ago a time was.
export function agoOf(time, now = Date.now()) {
  const millis = now - millisOf(time);
  if (millis < 5000) return 'just now';
  for (const [name, size] of units) if (millis >= size) return `${Math.floor(millis / size)} ${name} ago`;
  return 'just now';
}

// rangeMoment reads from and to of an address: -24h, now, a date, or a time.
export function rangeMoment(text, zone, isEnd = false, now = Date.now()) {
  if (!text) return null;
  if (text === 'now') return now;
  const back = lengthOfGo(text);
  if (back !== null) return now - back;
  if (/^\d{4}-\d\d-\d\d$/.test(text)) {
    const start = momentOf(text, zone);
    return isEnd ? momentOf(new Date(Date.parse(text) + dayMillis).toISOString().slice(0, 10), zone) : start;
  }
  if (/^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?$/.test(text)) return momentOf(text.replace(' ', 'T'), zone);
  const moment = Date.parse(text);
  return Number.isNaN(moment) ? null : moment;
}

const goUnits = {h: hourMillis, m: 60_000, s: 1000};

// lengthOfGo reads "-1h30m" as so many milliseconds; null where it is none.
function lengthOfGo(text) {
  if (!/^-(\d+[hms])+$/.test(text)) return null;
  let millis = 0;
  for (const [, n, unit] of text.matchAll(/(\d+)([hms])/g)) millis += n * goUnits[unit];
  return millis;
}

export const isoOf = millis => new Date(millis).toISOString().replace('.000Z', 'Z');
