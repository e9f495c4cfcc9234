// Everything that is known of one event, beside the list or on a page.

import {html, nothing} from './vendor/lit-html.js';
import {addressOf, ask, download, hasToken} from './api.js';
import {blockOf, errorNote, eventMark, icon, plainOf, wholeText} from './values.js';
import {conditionFor, linkTo, pathOf, withCondition, zoneOf} from './view.js';
import {lengthOf, nanosecondsOf} from './times.js';

const groups = [
  ['Who', ['user_name', 'user_id', 'user_hash', 'user_type', 'actor_name', 'actor_id', 'roles', 'profiles', 'provider_name']],
  ['From where', ['client_address', 'client_port', 'client_hostname', 'client_name', 'client_version', 'client_revision', 'driver', 'os', 'plugin', 'application_name', 'user_agent']],
  ['Into what', ['system', 'instance', 'host', 'server_address', 'server_port', 'database_name', 'interface']],
  ['How', ['auth_method', 'auth_type', 'mfa_used', 'tls_version', 'tls_cipher', 'certificate_subjects', 'certificate_serial', 'certificate_issuer', 'certificate_not_before', 'certificate_not_after',
    'failure_reason', 'error_type', 'status_code']],
  ['Session', ['session_key', 'session_id', 'session_name', 'duration', 'pid', 'settings']],
  ['Trace', ['trace_id', 'span_id', 'correlation']],
];
const shownAbove = ['time', 'kind', 'outcome', 'original'];

const isMap = value => typeof value === 'object' && value !== null && !Array.isArray(value);

const titleOf = (config, name) => config.columns.find(c => c.name === name)?.title ?? name;
const isSearchable = (config, name) => config.columns.find(c => c.name === name)?.searchable !== false;

export function traceLink(config, id) {
  if (!config.trace_link || !id) return null;
  return config.trace_link.replaceAll('{trace_id}', encodeURIComponent(id));
}

function valueOf(view, name, value) {
  if (name === 'observed') return nanosecondsOf(value, zoneOf(view));
  if (name === 'duration') return html`${lengthOf(value / 1e6)} <span class="none">${value} ns</span>`;
  if (isMap(value)) {
    return html`<table class="map"><tbody>${Object.entries(value).map(([k, v]) => html`<tr><th scope="row">${wholeText(k)}</th><td>${wholeText(isMap(v) || Array.isArray(v) ? JSON.stringify(v) : v)}</td></tr>`)}</tbody></table>`;
  }
  return wholeText(value);
}

function conditionLinks(view, config, name, value) {
  if (!isSearchable(config, name) || isMap(value) || String(value).length > 1000) return nothing;
  const base = view.page === 'search' ? view : {...view, page: 'search', path: '/search', params: new URLSearchParams(view.params.has('tz') ? {tz: view.params.get('tz')} : {})};
  const link = (isExcluded, sign, words) => html`<a class="narrow" href=${withCondition(base, ...conditionFor(name, value, isExcluded))} aria-label="${words} ${titleOf(config, name)} ${plainOf(value)}" title=${words}>${sign}</a>`;
  return html`<span class="narrows">${link(false, '+', 'Only')}${link(true, '−', 'Without')}</span>`;
}

function fieldRows(view, config, event, names) {
  const rows = [];
  for (const name of names) {
    const value = event[name];
    if (value === undefined || value === null) continue;
    const title = titleOf(config, name);
    for (const one of Array.isArray(value) ? value : [value]) {
      rows.push(html`<div class="field"><dt>${title}</dt><dd class=${/address|_id$|_key$|_hash$|cipher|serial/.test(name) ? 'code' : ''}>${valueOf(view, name, one)}${conditionLinks(view, config, name, one)}</dd></div>`);
    }
  }
  return rows;
}

function leftOver(event) {
  const known = new Set([...groups.flatMap(([, names]) => names), ...shownAbove]);
  return Object.keys(event).filter(name => !known.has(name));
}

export function eventFields(view, config, event) {
  return html`<div class="fields">${[...groups, ['Record', leftOver(event)]].map(([title, names]) => {
    const rows = fieldRows(view, config, event, names);
    return rows.length ? html`<section class="field-group"><h3>${title}</h3><dl>${rows}</dl></section>` : nothing;
  })}</div>`;
}

export function rawRecord(raw) {
  if (raw === undefined || raw === null || raw === '') return nothing;
  let text = typeof raw === 'string' ? raw : JSON.stringify(raw, null, 2);
  try {
    text = JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    // a line of a log
  }
  return html`<h3>Record as it was read</h3>${blockOf(text)}`;
}

export function eventLinks(view, config, event) {
  const trace = traceLink(config, event.trace_id);
  const link = (page, value, words, params) => {
    const path = value === undefined || value === '' ? null : pathOf(page, value);
    return path === null ? nothing : html`<a class="button" href=${linkTo(view, path, params)}>${words}</a>`;
  };
  return html`<p class="links">${link('session', event.session_key, 'Session', {at: event.time})}${link('user', event.user_name, 'User')}${link('address', event.client_address, 'Address')}${
    trace ? html`<a class="button" href=${trace} rel="noreferrer" target="_blank">Trace ${icon('outside')}</a>` : nothing}</p>`;
}

let anySeals = true;

// askSeal gives what the seals say of a record, null where nothing is sealed: then it does not ask again.
export async function askSeal(id, signal) {
  if (!anySeals) return null;
  try {
    const {seal} = await ask(`/events/${encodeURIComponent(id)}/seal`, '', signal);
    anySeals = seal !== null;
    return seal;
  } catch (error) {
    return error.name === 'AbortError' ? null : {state: 'failed', error: error.message};
  }
}

const sealGood = words => html`<span class="mark mark-success">${icon('success')}${words}</span>`;
const sealBad = words => html`<span class="mark mark-failure">${icon('failure')}${words}</span>`;

const sealWords = {
  sealed: (seal, zone) => html`<p>${seal.signature_checked ? sealGood('sealed') : 'Sealed'} ${nanosecondsOf(seal.sealed, zone)}${seal.found ? ', as it was found in the table: nobody has told the collector of it' : nothing}</p>
    <p class="none">Log ${wholeText(seal.log)}, page ${seal.page}. ${seal.signature_checked ? 'A key of this explorer has signed it.'
      : html`Signature not checked here: whoever may write into the table could have made it. <code>seal_keys</code> of the explorer checks it, or <code>sessionlog check</code> the proof.`}</p>`,
  pending: () => html`<p>Not sealed yet.</p>`,
  none: () => html`<p>${sealBad('in no seal')} <code>sessionlog verify</code> tells whether it should be in one.</p>`,
  otherwise: () => html`<p>${sealBad('not as it was sealed')} It was sealed with another content.</p>`,
  broken: seal => html`<p>${sealBad('its seal is not as it should be')} ${wholeText(seal.error)}</p>`,
  failed: seal => html`<p>Not looked at: ${wholeText(seal.error)}</p>`,
  not_looked: () => html`<p>Not looked at all seals in time. The proof takes longer, and may be found.</p>`,
};

// sealNote shows it, and offers the proof. A link cannot carry a token.
export function sealNote(view, app, id, seal) {
  if (!seal) return nothing;
  const path = `/events/${encodeURIComponent(id)}/bundle`;
  const name = `record-${id}.zip`;
  const take = event => {
    if (!hasToken()) return;
    event.preventDefault();
    download(path, '', name).catch(error => app.say(error.message));
  };
  return html`<section class="seal"><h3>Seal</h3>${sealWords[seal.state]?.(seal, zoneOf(view))}${
    ['sealed', 'not_looked'].includes(seal.state) ? html`<p class="links"><a class="button" href=${addressOf(path, '')} download=${name} @click=${take}>Download the proof</a></p>` : nothing}</section>`;
}

// eventDrawer is the detail beside the list. state has event, raw and error; some may be missing while it loads.
export function eventDrawer(view, app, state, closeLink) {
  const {config} = app;
  const {event, raw, error, seal} = state;
  return html`<aside class="drawer" aria-labelledby="drawer-title">
    <header><h2 id="drawer-title" tabindex="-1">${event ? eventMark(event) : 'Event'}</h2>
      <a class="button quiet" href=${closeLink} aria-keyshortcuts="Escape">Close <kbd>Esc</kbd></a></header>
    ${error ? errorNote(error) : nothing}
    ${event ? html`<p class="moment">${nanosecondsOf(event.time, zoneOf(view))}</p>
      ${eventLinks(view, config, event)}
      ${eventFields(view, config, event)}
      ${sealNote(view, app, event.record_id, seal)}
      ${rawRecord(raw ?? event.original)}
      <p class="links"><button type="button" data-copy=${location.href}>Copy the link to this event</button>${
        raw ?? event.original ? html`<button type="button" data-copy=${typeof (raw ?? event.original) === 'string' ? raw ?? event.original : JSON.stringify(raw)}>Copy the record</button>` : nothing}</p>` : nothing}
  </aside>`;
}
