// Grids of small squares: a calendar of days, and the hours of the week.

import {html, svg} from './vendor/lit-html.js';
import {countOf, plural} from './values.js';
import {dayMillis, dayOf, shortDay} from './times.js';

const cell = 11;
const step = 13;
const weekdays = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

// levelOf is one of five steps of strength, by the square root, so that a single login is seen beside hundreds.
export const levelOf = (count, most) => Math.ceil(4 * Math.sqrt(count / most));

const square = (x, y, level, title) => svg`<rect class="heat-${level}" x=${x} y=${y} width=${cell} height=${cell} rx="2"><title>${title}</title></rect>`;

// daysOf sums bars of a day, from the Monday before the first to the last.
export function daysOf(bars, until = Date.now()) {
  const byDay = new Map();
  for (const bar of bars) {
    const at = Math.floor(Date.parse(bar.start) / dayMillis) * dayMillis;
    const sum = byDay.get(at) ?? {count: 0, failures: 0};
    sum.count += bar.count;
    if (bar.kind === 'login' && bar.outcome === 'failure') sum.failures += bar.count;
    byDay.set(at, sum);
  }
  const last = Math.max(Math.floor(until / dayMillis) * dayMillis, ...byDay.keys());
  const monday = at => at - ((new Date(at).getUTCDay() + 6) % 7) * dayMillis;
  const days = [];
  for (let at = monday(last) - 52 * 7 * dayMillis; at <= last; at += dayMillis) days.push({at, ...(byDay.get(at) ?? {count: 0, failures: 0})});
  return days;
}

export function calendar(bars, until, onDay) {
  const days = daysOf(bars, until);
  const most = Math.max(1, ...days.map(d => d.count));
  const active = days.filter(d => d.count > 0);
  const weeks = Math.ceil(days.length / 7);
  const months = [];
  days.forEach((d, i) => {
    if (new Date(d.at).getUTCDate() <= 7 && i % 7 === 0) months.push(svg`<text x=${30 + (i / 7) * step} y="9">${shortDay(d.at, 'UTC').split(' ')[1]}</text>`);
  });
  const said = `Calendar: active on ${active.length} of ${days.length} days${active.length ? `, last on ${dayOf(active.at(-1).at, 'UTC')}` : ''}.`;
  const choose = event => {
    const at = event.target.closest('rect')?.dataset.day;
    if (at) onDay(Number(at));
  };
  return html`<svg class="heat" role="img" aria-label=${said} viewBox="0 0 ${30 + weeks * step} ${14 + 7 * step}" width=${30 + weeks * step} height=${14 + 7 * step} @click=${choose}>
    ${months}${[0, 2, 4, 6].map(i => svg`<text x="0" y=${14 + i * step + 9}>${weekdays[i]}</text>`)}
    ${days.map((d, i) => svg`<rect data-day=${d.at} class="heat-${levelOf(d.count, most)} ${2 * d.failures > d.count ? 'heat-failed' : ''}" x=${30 + Math.floor(i / 7) * step} y=${14 + (i % 7) * step} width=${cell} height=${cell} rx="2"><title>${
      dayOf(d.at, 'UTC')}: ${plural(d.count, 'event')}${d.failures ? `, ${countOf(d.failures)} failed` : ''}</title></rect>`)}
  </svg>
  <p class="heat-key none" aria-hidden="true">less <svg class="heat" width=${5 * step} height=${cell}>${[0, 1, 2, 3, 4].map(i => svg`<rect class="heat-${i}" x=${i * step} width=${cell} height=${cell} rx="2"></rect>`)}</svg> more,
    <svg class="heat" width=${cell} height=${cell}><rect class="heat-3 heat-failed" width=${cell} height=${cell} rx="2"></rect></svg> mostly failed</p>`;
}

export function hoursOfWeek(hours) {
  const most = Math.max(1, ...hours.flat());
  const sums = Array.from({length: 24}, (_, h) => hours.reduce((sum, row) => sum + row[h], 0));
  const total = sums.reduce((a, b) => a + b, 0);
  const busiest = sums.indexOf(Math.max(...sums));
  const said = total === 0 ? 'Hours of the week: none.' : `Hours of the week: most events between ${busiest}:00 and ${busiest + 1}:00.`;
  return html`<svg class="heat" role="img" aria-label=${said} viewBox="0 0 ${30 + 24 * step} ${14 + 7 * step}" width=${30 + 24 * step} height=${14 + 7 * step}>
    ${[0, 6, 12, 18].map(h => svg`<text x=${30 + h * step} y="9">${String(h).padStart(2, '0')}</text>`)}
    ${weekdays.map((name, d) => svg`<text x="0" y=${14 + d * step + 9}>${name}</text>${
      hours[d].map((n, h) => square(30 + h * step, 14 + d * step, levelOf(n, most), `${name} ${h}:00–${h + 1}:00: ${plural(n, 'event')}`))}`)}
  </svg>`;
}
