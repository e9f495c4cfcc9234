// The range of time: the usual ones by a click, any other by two fields.

import {html} from './vendor/lit-html.js';
import {icon} from './values.js';
import {rangeOf, withRange, zoneOf} from './view.js';
import {isoOf, localOf, minuteOf, momentOf, offsetName} from './times.js';

export const everything = '1970-01-01';

const usual = [['-15m', 'Last 15 minutes'], ['-1h', 'Last hour'], ['-6h', 'Last 6 hours'], ['-24h', 'Last day'], ['-168h', 'Last 7 days'], ['-720h', 'Last 30 days'], [everything, 'All time']];

export function rangeName(view) {
  const zone = zoneOf(view);
  const [from, to] = [view.params.get('from'), view.params.get('to')];
  if (!from && !to) return 'All time';
  if (!to || to === 'now') {
    const known = usual.find(([value]) => value === from);
    if (known) return known[1];
  }
  const range = rangeOf(view);
  const name = millis => (millis === null ? '…' : minuteOf(millis, zone));
  return `${name(range.from)} – ${to ? name(range.to) : 'now'}`;
}

function useFields(event, view, go) {
  event.preventDefault();
  const zone = zoneOf(view);
  const [from, to] = ['from', 'to'].map(name => event.target.elements[name].value);
  event.target.closest('details').open = false;
  go(withRange(view, from && isoOf(momentOf(from, zone)), to && isoOf(momentOf(to, zone))));
}

// rangePicker is a menu; otherwise names the range of a view that says none.
export function rangePicker(view, go, otherwise = 'All time') {
  const zone = zoneOf(view);
  const name = view.params.has('from') || view.params.has('to') ? rangeName(view) : otherwise;
  const range = rangeOf(view);
  const local = millis => (millis === null || millis === 0 ? '' : localOf(millis, zone));
  return html`<details class="menu" id="range"><summary aria-label="Range: ${name}">${name}${icon('down')}</summary>
    <div class="menu-body">
      <ul>${usual.map(([from, name]) => html`<li><a href=${withRange(view, from, '')} aria-current=${view.params.get('from') === from && !view.params.get('to') ? 'true' : 'false'}>${name}</a></li>`)}</ul>
      <form @submit=${event => useFields(event, view, go)}>
        <label>From <input type="datetime-local" name="from" .value=${local(range.from)}></label>
        <label>To <input type="datetime-local" name="to" .value=${local(range.to)}></label>
        <p class="none">in ${zone === 'UTC' ? 'UTC' : `${zone}, ${offsetName(Date.now(), zone)}`}</p>
        <button type="submit" class="primary">Show</button>
      </form>
    </div></details>`;
}
