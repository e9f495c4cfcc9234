// Inventory: clients, drivers and methods still in use, and since when no longer.

import {html, nothing} from '../vendor/lit-html.js';
import {QuestionPage} from '../questionpage.js';
import {rangePicker} from '../rangepicker.js';
import {countOf, coverageNote, errorNote, icon, plural, sqlNote, textOf} from '../values.js';
import {apiParams, changed, conditionFor, linkTo, zoneOf} from '../view.js';
import {agoOf, minuteOf, nanosecondsOf} from '../times.js';

const values = ['client_name', 'client_version', 'driver', 'auth_method', 'tls_version'];
const titles = {client_name: 'Client', client_version: 'Version', driver: 'Driver', auth_method: 'Method', tls_version: 'TLS', first_success: 'First success', last: 'Last', failures: 'Failed', count: 'Events'};
const numbers = ['count', 'failures'];
const textOrder = new Intl.Collator('en', {numeric: true});

export class Page extends QuestionPage {
  words = '';

  open(view) {
    this.view = view;
    const question = String(apiParams(view));
    if (question === this.question) return this.draw();
    this.question = question;
    return this.askAnew('/inventory');
  }

  sorted() {
    const sort = this.view.params.get('sort') ?? '-last';
    const isDown = sort.startsWith('-');
    const key = isDown ? sort.slice(1) : sort;
    const words = this.words.toLowerCase();
    const rows = this.answer.groups.filter(g => values.some(v => g[v]?.toLowerCase().includes(words)) || !words);
    const compare = (a, b) => (numbers.includes(key) ? a[key] - b[key] : textOrder.compare(a[key] ?? '', b[key] ?? ''));
    return rows.sort((a, b) => (isDown ? compare(b, a) : compare(a, b)));
  }

  template() {
    const {view} = this;
    const heading = html`<div class="heading"><div><h1>Inventory</h1><p class="lead">Clients, drivers and methods in use, and when each was last seen.</p></div>
      <div class="bar-end"><label class="filter">${icon('search')}<span class="unseen">Filter the rows</span><input type="search" placeholder="Filter the rows" .value=${this.words} @input=${event => {
        this.words = event.target.value;
        this.draw();
      }}></label>${rangePicker(view, address => this.app.go(address))}</div></div>`;
    if (this.error) return html`${heading}${errorNote(this.error)}`;
    if (!this.answer) return html`${heading}<div class="placeholder" aria-hidden="true"></div>`;
    const {groups, others, coverage, sql} = this.answer;
    if (groups.length === 0) return html`${heading}<div class="empty"><h2>No event in this range</h2><p><a href=${changed(view, params => ['from', 'to'].forEach(k => params.delete(k)))}>Look at all time</a></p></div>`;
    const rows = this.sorted();
    return html`${heading}${this.passwordNote(groups)}
      <p>${coverageNote(coverage, t => minuteOf(t, zoneOf(view)))}</p>
      <div class="scroll ${this.isStale ? 'stale' : ''}"><table class="list wide"><caption class="unseen">Clients, drivers and methods</caption>
        <thead><tr>${[...values, 'first_success', 'last', 'failures', 'count'].map(key => this.columnHead(key))}</tr></thead>
        <tbody>${rows.map(group => this.row(group))}</tbody></table></div>
      <p class="none" role="status">${rows.length === groups.length ? plural(rows.length, 'row') : `${countOf(rows.length)} of ${plural(groups.length, 'row')}`}${others ? `, and ${countOf(others)} others` : ''}</p>${sqlNote(sql)}`;
  }

  // passwordNote answers the question that is asked most: who still sends a password without TLS?
  passwordNote(groups) {
    const plain = groups.filter(g => g.auth_method === 'password' && !g.tls_version);
    if (plain.length === 0) return nothing;
    const events = plain.reduce((sum, g) => sum + g.count, 0);
    const params = {auth_method: 'password', absent: 'tls_version'};
    for (const key of ['from', 'to']) if (this.view.params.has(key)) params[key] = this.view.params.get(key);
    return html`<p class="note">${icon('failed-page')}<span>${plural(plain.length, 'client')} came with a password and no TLS that the source tells of, in ${plural(events, 'event')}.</span>
      <a href=${linkTo(this.view, '/search', {from: '1970-01-01', ...params})}>Show them</a></p>`;
  }

  columnHead(key) {
    const sort = this.view.params.get('sort') ?? '-last';
    const isSorted = sort.replace(/^-/, '') === key;
    const isDown = sort.startsWith('-');
    const next = isSorted && isDown ? key : isSorted ? '-' + key : numbers.includes(key) || key === 'last' ? '-' + key : key;
    return html`<th scope="col" class=${numbers.includes(key) ? 'number' : ''} aria-sort=${isSorted ? (isDown ? 'descending' : 'ascending') : 'none'}><a href=${changed(this.view, params => params.set('sort', next))}>${titles[key]}<span class="sort" aria-hidden="true">${isSorted ? (isDown ? '↓' : '↑') : ''}</span></a></th>`;
  }

  row(group) {
    const zone = zoneOf(this.view);
    const when = time => (time ? html`<span title=${nanosecondsOf(time, zone)}>${minuteOf(time, zone)}</span>` : html`<span class="none">never</span>`);
    const params = new URLSearchParams();
    for (const key of ['from', 'to']) if (this.view.params.has(key)) params.set(key, this.view.params.get(key));
    if (!params.has('from')) params.set('from', '1970-01-01');
    for (const column of values) params.append(...conditionFor(column, group[column] ?? null));
    return html`<tr>${values.map(column => html`<td class=${column === 'client_name' || column === 'driver' ? 'long' : ''}>${group[column] === null || group[column] === undefined ? html`<span class="none">–</span>` : textOf(group[column], 120)}</td>`)}
      <td>${when(group.first_success)}</td><td>${when(group.last)} <span class="none">${group.last ? agoOf(group.last) : ''}</span></td>
      <td class="number">${group.failures ? html`<span class="mark mark-failure">${countOf(group.failures)}</span>` : '0'}</td>
      <td class="number"><a href=${linkTo(this.view, '/search', params)}>${countOf(group.count)}<span class="unseen"> events: search</span></a></td></tr>`;
  }
}
