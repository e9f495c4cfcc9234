// What the questions of New found, each with its way into Search.

import {html, nothing} from './vendor/lit-html.js';
import {icon, plural, textOf} from './values.js';
import {viewOf, zoneOf} from './view.js';
import {clockOf, minuteOf, shortDay} from './times.js';

export function searchLink(view, search) {
  const params = new URLSearchParams(viewOf('/search?' + search.replace(/^\?/, '')).params);
  if (view.params.has('tz')) params.set('tz', view.params.get('tz'));
  return '/search?' + params;
}

function spanOf({first, last}, zone) {
  if (!last || first === last) return minuteOf(first ?? last, zone);
  if (shortDay(first, zone) !== shortDay(last, zone)) return `${minuteOf(first, zone)} – ${minuteOf(last, zone)}`;
  return clockOf(first, zone) === clockOf(last, zone) ? minuteOf(first, zone) : `${minuteOf(first, zone)} – ${clockOf(last, zone)}`;
}

export function findingList(view, findings) {
  const zone = zoneOf(view);
  return html`<ul class="findings">${findings.map(finding => html`<li>
    <span class="finding-time">${spanOf(finding, zone)}</span>
    <span class="finding-said">${textOf(finding.sentence, 600)}</span>
    <span class="finding-count none">${finding.count ? plural(finding.count, 'event') : nothing}</span>
    <a href=${searchLink(view, finding.search ?? '')} aria-label="Show the events: ${finding.sentence}">${icon('search')}Show</a></li>`)}</ul>`;
}
