// A table of events, newest first, parted by days.

import {html, nothing} from './vendor/lit-html.js';
import {addressLink, eventMark, plainOf, textOf, userLink} from './values.js';
import {changed, zoneOf} from './view.js';
import {dayOf, lengthOf, nanosecondsOf, rowTime} from './times.js';

const columnsAlwaysShown = 4;

const eventAddress = (view, id) => changed(view, params => params.set('event', id));

// remarkOf is the most telling of what else a row has.
function remarkOf(event) {
  if (event.failure_reason || event.error_type) return textOf(event.failure_reason ?? event.error_type);
  if (event.duration) return html`after ${lengthOf(event.duration / 1e6)}`;
  if (event.roles?.length) return textOf(event.roles.join(', '));
  return event.application_name ? textOf(event.application_name) : nothing;
}

const joined = values => values.filter(v => v !== undefined && v !== '').join(' · ');

function eventRow(view, event, {open, choose, fresh}) {
  const zone = zoneOf(view);
  const isOpen = event.record_id === open;
  const said = `${rowTime(event.time, zone)} ${event.kind} ${event.outcome ?? ''} ${plainOf(event.user_name ?? '')}: details`;
  return html`<tr class="row ${isOpen ? 'open' : ''} ${fresh?.has(event.record_id) ? 'fresh' : ''}" data-id=${event.record_id} @click=${choose}>
    <td class="when"><a class="row-link" href=${eventAddress(view, event.record_id)} tabindex="-1" aria-label=${said} aria-current=${isOpen ? 'true' : nothing} title=${nanosecondsOf(event.time, zone)}>${rowTime(event.time, zone)}</a></td>
    <td class="what">${eventMark(event)}</td>
    <td class="who">${userLink(view, event.user_name, -1)}</td>
    <td class="from">${addressLink(view, event.client_address, -1)}</td>
    <td class="system">${textOf(joined([event.system, event.instance]))}</td>
    <td class="client">${event.client_name === undefined ? nothing : textOf(event.client_name, 80)}</td>
    <td class="method">${event.auth_method === undefined ? nothing : textOf(event.auth_method)}</td>
    <td class="remark">${remarkOf(event)}</td>
  </tr>`;
}

// chooseRow opens a row's event from a click anywhere on it, unless a link or a selected text was meant.
function chooseRow(event) {
  if (event.target.closest('a') || String(getSelection()) !== '') return;
  event.currentTarget.querySelector('.row-link').click();
}

export function eventTable(view, events, {open = null, fresh = null, caption = 'Events, newest first'} = {}) {
  const zone = zoneOf(view);
  const rows = [];
  let day = '';
  for (const event of events) {
    const its = dayOf(event.time, zone);
    if (its !== day) rows.push(html`<tr class="day"><th colspan=${columnsAlwaysShown} scope="rowgroup">${its}</th></tr>`);
    day = its;
    rows.push(eventRow(view, event, {open, fresh, choose: chooseRow}));
  }
  return html`<table class="events"><caption class="unseen">${caption}</caption>
    <thead><tr><th scope="col">Time</th><th scope="col">Event</th><th scope="col">User</th><th scope="col">Address</th>
      <th scope="col" class="system">System</th><th scope="col" class="client">Client</th><th scope="col" class="method">Method</th><th scope="col" class="remark">Remark</th></tr></thead>
    <tbody>${rows}</tbody></table>`;
}

// The links of rows are one stop of Tab: the arrows, j and k go from row to row.
export function settleRows(host) {
  const links = [...host.querySelectorAll('.row-link')];
  const current = links.find(l => l.getAttribute('aria-current') === 'true') ?? links.find(l => l === document.activeElement) ?? links[0];
  for (const link of links) link.tabIndex = link === current ? 0 : -1;
}

export function moveRow(host, by) {
  const links = [...host.querySelectorAll('.row-link')];
  if (links.length === 0) return null;
  const active = document.activeElement.closest?.('.row')?.querySelector('.row-link') ?? host.querySelector('.row.open .row-link');
  const at = links.indexOf(active);
  const next = links[at < 0 ? 0 : at + by];
  if (!next) return null;
  for (const link of links) link.tabIndex = link === next ? 0 : -1;
  next.focus();
  next.scrollIntoView({block: 'nearest'});
  return next;
}
