// A user, or an address: since when, with whom and what, on which days, at which hours, and what was found.

import {html, nothing, render} from '../vendor/lit-html.js';
import {ask} from '../api.js';
import {findingList} from '../findings.js';
import {calendar, hoursOfWeek} from '../heat.js';
import {addressLink, countOf, coverageNote, errorNote, icon, plainOf, sqlNote, textOf, userLink} from '../values.js';
import {apiParams, conditionFor, linkTo, zoneOf} from '../view.js';
import {agoOf, dayMillis, isoOf, minuteOf, nanosecondsOf} from '../times.js';

const kinds = {
  user: {path: '/users/', column: 'user_name', title: 'User'},
  address: {path: '/addresses/', column: 'client_address', title: 'Address'},
};

export class Page {
  constructor(host, app) {
    this.host = host;
    this.app = app;
  }

  async open(view) {
    this.view = view;
    this.kind = kinds[view.page];
    this.app.title(plainOf(view.subject));
    this.asking?.abort();
    this.asking = new AbortController();
    const {signal} = this.asking;
    try {
      this.answer = await ask(this.kind.path + encodeURIComponent(view.subject), apiParams(view), signal);
      this.error = null;
    } catch (error) {
      if (signal.aborted) return;
      this.error = error;
    }
    render(this.template(), this.host);
    const days = this.host.querySelector('.heats .scroll');
    if (days) days.scrollLeft = days.scrollWidth; // the newest are at the right
  }

  search(more = {}) {
    const [key, value] = conditionFor(this.kind.column, this.view.subject);
    return linkTo(this.view, '/search', {from: '1970-01-01', ...more, [key]: value});
  }

  template() {
    const {view, kind} = this;
    const heading = html`<h1><span class="none">${kind.title}</span> ${view.page === 'address' ? html`<span class="code">${textOf(view.subject)}</span>` : textOf(view.subject)}</h1>`;
    if (this.error) return html`${heading}${errorNote(this.error, () => this.open(view))}`;
    const {first, last, pairs, others, bars, hours, findings, findings_coverage: found, coverage, sql} = this.answer;
    const zone = zoneOf(view);
    if (!last && !pairs?.length) return html`${heading}<div class="empty"><h2>Nothing is known of ${textOf(view.subject, 60)}</h2><p>No stored event names this ${view.page}. <a href=${linkTo(view, '/search')}>Search</a></p></div>`;
    const sum = key => pairs.reduce((total, p) => total + p[key], 0);
    const onDay = at => this.app.go(this.search({from: isoOf(at), to: isoOf(at + dayMillis)}));
    return html`<div class="heading">${heading}<a class="button" href=${this.search()}>${icon('search')}All events</a></div>
      <dl class="facts">
        ${fact('First seen', first && html`<span title=${nanosecondsOf(first, zone)}>${minuteOf(first, zone)}</span>`)}
        ${fact('Last seen', last && html`<span title=${nanosecondsOf(last, zone)}>${minuteOf(last, zone)}</span> <span class="none">${agoOf(last)}</span>`)}
        ${fact('Events', countOf(sum('count')))}
        ${fact('Failed', html`<span class=${sum('failures') ? 'mark mark-failure' : ''}>${countOf(sum('failures'))}</span>`)}
        ${view.page === 'user' ? fact('Addresses', countOf(new Set(pairs.map(p => p.client_address)).size)) : fact('Users', countOf(new Set(pairs.map(p => p.user_name)).size))}
      </dl>
      ${coverage?.complete === false ? html`<p>${coverageNote(coverage, t => minuteOf(t, zone))}</p>` : nothing}
      ${findings?.length || found?.complete === false ? html`<section><h2>Found</h2>${findings?.length ? findingList(view, findings) : nothing}
        ${found?.complete === false ? html`<p>${coverageNote(found, t => minuteOf(t, zone))}</p>` : nothing}</section>` : nothing}
      <div class="heats"><section><h2>Days</h2><div class="scroll" tabindex="0" role="group" aria-label="Days">${calendar(bars ?? [], last ? Date.parse(last) : Date.now(), onDay)}</div></section>
      ${hours ? html`<section><h2>Hours of the week</h2><div class="scroll" tabindex="0" role="group" aria-label="Hours">${hoursOfWeek(hours)}</div></section>` : nothing}</div>
      <section><h2>${view.page === 'user' ? 'From where, and with what' : 'Who, and with what'}</h2>${this.pairTable(pairs, zone)}${others ? html`<p class="none">and ${countOf(others)} others</p>` : nothing}</section>
      ${sqlNote(sql)}`;
  }

  pairTable(pairs, zone) {
    const isUser = this.view.page === 'user';
    const when = time => (time ? html`<span title=${nanosecondsOf(time, zone)}>${minuteOf(time, zone)}</span>` : html`<span class="none">never</span>`);
    const row = pair => {
      const conditions = Object.fromEntries(['user_name', 'client_address', 'client_name'].map(c => conditionFor(c, pair[c] ?? null)));
      return html`<tr><td class="long">${isUser ? addressLink(this.view, pair.client_address) : userLink(this.view, pair.user_name)}</td>
        <td class="long">${pair.client_name ? textOf(pair.client_name, 120) : html`<span class="none">–</span>`}</td>
        <td>${when(pair.first_success)}</td><td>${when(pair.last)}</td>
        <td class="number">${pair.failures ? html`<span class="mark mark-failure">${countOf(pair.failures)}</span>` : '0'}</td>
        <td class="number"><a href=${linkTo(this.view, '/search', {from: '1970-01-01', ...conditions})}>${countOf(pair.count)}<span class="unseen"> events: search</span></a></td></tr>`;
    };
    return html`<div class="scroll"><table class="list"><thead><tr><th scope="col">${isUser ? 'Address' : 'User'}</th><th scope="col">Client</th><th scope="col">First success</th><th scope="col">Last</th>
      <th scope="col" class="number">Failed</th><th scope="col" class="number">Events</th></tr></thead><tbody>${pairs.map(row)}</tbody></table></div>`;
  }

  close() {
    this.asking?.abort();
  }
}

const fact = (title, value) => html`<div><dt>${title}</dt><dd>${value || html`<span class="none">–</span>`}</dd></div>`;
