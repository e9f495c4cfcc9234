// How values are shown: as text and nothing else, with what cannot be seen made visible.

import {html, nothing} from './vendor/lit-html.js';
import {linkTo, pathOf} from './view.js';

// Control characters, soft hyphens, marks of direction, zero widths, tags and halves of surrogate pairs.
const unseen = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}\ud800-\udfff]/u;
const unseenParts = new RegExp(`(${unseen.source})`, 'u');

const longestInList = 300;

const markOf = char => html`<span class="unseen-char">U+${char.codePointAt(0).toString(16).toUpperCase().padStart(4, '0')}</span>`;

function partsOf(text, isKept = () => false) {
  if (!unseen.test(text)) return text;
  return text.split(unseenParts).map((part, i) => (i % 2 === 1 && !isKept(part) ? markOf(part) : part));
}

// textOf shows a value within a line.
export function textOf(value, longest = longestInList) {
  if (value === '') return html`<span class="none">(empty)</span>`;
  const text = String(value);
  const shown = text.length > longest ? text.slice(0, longest) : text;
  return html`<bdi>${partsOf(shown)}</bdi>${text.length > longest ? html`<span class="none"> … ${countOf(text.length)} characters</span>` : nothing}`;
}

export const wholeText = value => textOf(value, Infinity);

// blockOf shows a text of several lines.
export const blockOf = text => html`<pre tabindex="0" class="block"><bdi>${partsOf(String(text), char => char === '\n' || char === '\t')}</bdi></pre>`;

// plainOf is for titles and names that assistive technology reads.
export const plainOf = value => String(value).replace(new RegExp(unseen.source, 'gu'), char => `U+${char.codePointAt(0).toString(16).toUpperCase().padStart(4, '0')}`).slice(0, longestInList);

const counts = new Intl.NumberFormat('en-GB');
export const countOf = n => counts.format(n);
export const plural = (n, one, many = one + 's') => `${countOf(n)} ${n === 1 ? one : many}`;
export const shortCount = n => (n >= 10_000 ? new Intl.NumberFormat('en-GB', {notation: 'compact', maximumFractionDigits: 1}).format(n) : countOf(n));

export const icon = name => html`<svg class="icon" aria-hidden="true"><use href="#i-${name}"></use></svg>`;

const eventWords = {
  'login success': ['success', 'logged in'],
  'login failure': ['failure', 'failed'],
  'login unknown': ['unknown', 'login'],
  'logout': ['logout', 'logged out'],
  'session.start': ['start', 'session began'],
  'session.update': ['update', 'session update'],
};

// signOf is the name of an event's sign and colour, and its words.
export function signOf(event) {
  return eventWords[`${event.kind} ${event.outcome ?? 'unknown'}`] ?? eventWords[event.kind] ?? ['unknown', event.kind ?? 'event'];
}

export function eventMark(event) {
  const [sign, words] = signOf(event);
  return html`<span class="mark mark-${sign}">${icon(sign)}${words}</span>`;
}

function subjectLink(view, page, column, value, content, tabindex) {
  if (value === undefined || value === null) return html`<span class="none">–</span>`;
  const path = pathOf(page, value);
  if (path === null && String(value).length > 100) return content;
  const address = path === null ? linkTo(view, '/search', {[column]: value}) : linkTo(view, path);
  return html`<a href=${address} tabindex=${tabindex}>${content}</a>`;
}

export const userLink = (view, name, tabindex = 0) => subjectLink(view, 'user', 'user_name', name, textOf(name ?? ''), tabindex);
export const addressLink = (view, address, tabindex = 0) => html`<span class="code">${subjectLink(view, 'address', 'client_address', address, textOf(address ?? ''), tabindex)}</span>`;

// coverageNote tells how far an answer came, where it did not come to the end.
export function coverageNote(coverage, when, goOn, isGoing) {
  if (!coverage || coverage.complete) return nothing;
  const said = coverage.from ? `counted back to ${when(coverage.from)}` : 'not all was counted';
  return html`<span class="coverage">${said}${goOn ? html`, <button type="button" class="link" @click=${goOn}>${isGoing ? 'stop' : 'go on'}</button>` : nothing}</span>`;
}

export const sqlNote = statements => (statements?.length
  ? html`<details class="sql"><summary>SQL <span class="none">${plural(statements.length, 'statement')}</span></summary>${statements.map(blockOf)}</details>`
  : nothing);

export const errorNote = (error, again) => html`<div class="error" role="alert">${icon('failed-page')}<p>${textOf(error.message, 2000)}</p>${
  again ? html`<button type="button" @click=${again}>Try again</button>` : nothing}</div>`;
