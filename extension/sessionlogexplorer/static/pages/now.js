// Now: the last hour by the minute, who is in, failures beside what is usual, and whether the collector does its work.

import {html, nothing, render} from '../vendor/lit-html.js';
import {ask, tail} from '../api.js';
import {BarChart, partNames, sentenceOf, slotsOf, slotText, totalsOf} from '../chart.js';
import {eventTable, settleRows} from '../eventtable.js';
import {addressLink, countOf, errorNote, icon, shortCount, sqlNote, textOf, userLink} from '../values.js';
import {apiParams, linkTo, pathOf, zoneOf} from '../view.js';
import {agoOf, hourMillis, lengthOf, millisOf, minuteOf, nanosecondsOf} from '../times.js';

const askEvery = 5000;
const mostRows = 15;
const quietStates = ['none', 'starting', 'stopping', 'stopped'];

export class Page {
  constructor(host, app) {
    this.host = host;
    this.app = app;
    this.closing = new AbortController();
    this.events = [];
    this.fresh = new Set();
    this.point = null;
  }

  open(view) {
    this.view = view;
    if (this.isOpen) return this.draw();
    this.isOpen = true;
    this.keepAsking();
    this.follow();
  }

  async keepAsking() {
    const {signal} = this.closing;
    while (!signal.aborted) {
      if (!document.hidden) await this.refresh(signal);
      await new Promise(done => setTimeout(done, askEvery));
    }
  }

  async refresh(signal) {
    try {
      this.answer = await ask('/now', apiParams(this.view), signal);
      this.error = null;
    } catch (error) {
      if (signal.aborted) return;
      this.error = error;
    }
    this.draw();
  }

  async follow() {
    const {signal} = this.closing;
    try {
      const newest = async () => (await ask('/events', apiParams(this.view, {limit: mostRows}), signal)).events;
      this.events = await newest();
      this.draw();
      const addMissed = async () => (await newest()).reverse().forEach(event => this.add(event));
      for await (const event of tail(apiParams(this.view), signal, addMissed)) this.add(event);
    } catch {
      // refresh shows what is wrong
    }
  }

  add(event) {
    if (this.events.some(e => e.record_id === event.record_id)) return;
    this.fresh.add(event.record_id);
    this.events = [event, ...this.events].slice(0, mostRows);
    this.draw();
  }

  draw() {
    if (this.closing.signal.aborted) return;
    render(this.template(), this.host);
    if (!this.answer) return;
    this.chart ??= new BarChart(this.host.querySelector('.chart'), {
      onRange: (from, to) => this.app.go(linkTo(this.view, '/search', {from: new Date(from).toISOString(), to: new Date(to).toISOString()})),
      onPoint: i => {
        this.point = i;
        this.drawLegend();
      },
    });
    const to = Math.ceil(Date.now() / 60_000) * 60_000;
    this.slots = slotsOf(this.answer.minutes ?? [], 60_000, to - hourMillis, to);
    this.chart.show(this.slots, zoneOf(this.view));
    this.host.querySelector('.chart').setAttribute('aria-label', sentenceOf(this.slots, zoneOf(this.view)));
    this.drawLegend();
    settleRows(this.host);
  }

  drawLegend() {
    render(this.legend(), this.host.querySelector('.legend'));
  }

  legend() {
    const isPoint = this.point !== null && this.slots && this.point < this.slots.starts.length;
    const sums = isPoint ? Object.fromEntries(partNames.map(part => [part, this.slots[part][this.point]])) : totalsOf(this.answer.minutes ?? []);
    const part = (name, words) => html`<span class="part part-${name}">${icon(name === 'other' ? 'logout' : name)}<b>${shortCount(sums[name])}</b> ${words}</span>`;
    return html`<span class="legend-when">${isPoint ? slotText(this.slots, this.point, zoneOf(this.view)) : 'Last hour by the minute'}</span>${part('failure', 'failed')}${part('success', 'logged in')}${part('other', 'other')}`;
  }

  template() {
    const {answer, view} = this;
    const heading = html`<h1 class="unseen">Now</h1>${this.error ? errorNote(this.error) : nothing}`;
    if (!answer) return html`${heading}${this.error ? nothing : html`<div class="placeholder" aria-hidden="true"></div>`}`;
    return html`${heading}
      <div class="tiles">${this.tiles()}</div>
      <section class="chart-box" aria-label="The last hour"><div class="chart-head"><div class="legend"></div></div><div class="chart" role="img" aria-label="Chart of the last hour"></div></section>
      <div class="halves">
        <section><h2>Newest events <span class="live"><span class="live-dot"></span>live</span></h2>${this.events.length ? eventTable({...view, path: '/search', params: new URLSearchParams({from: '-24h', ...(view.params.has('tz') ? {tz: view.params.get('tz')} : {})})}, this.events, {fresh: this.fresh})
          : html`<p class="none">None yet.</p>`}</section>
        <section><h2>Open sessions</h2>${this.sessions()}</section>
      </div>
      <section><h2>The collector</h2>${this.health()}</section>
      ${sqlNote(answer.sql)}`;
  }

  tiles() {
    const {failures, open_total: open, newest, open_sessions: sessions} = this.answer;
    const zone = zoneOf(this.view);
    const minute = totalsOf((this.answer.minutes ?? []).filter(bar => millisOf(bar.start) >= Date.now() - 120_000));
    const tile = (title, value, words, isBad) => html`<div class="tile ${isBad ? 'bad' : ''}"><h2>${title}</h2><p class="big">${value}</p><p class="none">${words}</p></div>`;
    return html`${failures ? tile('Failed in the last hour', html`${isUnusual(failures) ? icon('failure') : nothing}${countOf(failures.last_hour)}`, usual(failures), isUnusual(failures)) : nothing}
      ${tile('Open sessions', open === null ? html`${countOf(sessions?.length ?? 0)}+` : countOf(open), sessions?.length ? `oldest shown ${agoOf(sessions.at(-1).time)}` : 'nobody is in')}
      ${tile('Logged in, two minutes', countOf(minute.success), minute.failure ? `${countOf(minute.failure)} failed` : 'none failed')}
      ${tile('Newest record', newest ? html`<span title=${nanosecondsOf(newest, zone)}>${agoOf(newest)}</span>` : 'none', newest ? minuteOf(newest, zone) : 'nothing is stored yet')}`;
  }

  sessions() {
    const {open_sessions: sessions, open_total: total} = this.answer;
    if (!sessions?.length) return html`<p class="none">No session is open.</p>`;
    return html`<div class="scroll"><table class="list"><thead><tr><th scope="col">User</th><th scope="col">Address</th><th scope="col">System</th><th scope="col" class="number">Open for</th></tr></thead>
      <tbody>${sessions.map(login => html`<tr><td class="long">${userLink(this.view, login.user_name)}</td><td class="long">${addressLink(this.view, login.client_address)}</td><td class="long">${textOf([login.system, login.instance].filter(Boolean).join(' · '))}</td>
        <td class="number">${login.session_key ? html`<a href=${linkTo(this.view, pathOf('session', login.session_key), {at: login.time})}>${lengthOf(Date.now() - millisOf(login.time))}<span class="unseen">: session</span></a>` : lengthOf(Date.now() - millisOf(login.time))}</td></tr>`)}</tbody></table></div>
      ${total > sessions.length ? html`<p class="none">and ${countOf(total - sessions.length)} more</p>` : nothing}`;
  }

  health() {
    const {backend, pipelines, heads} = this.answer.health ?? {};
    const state = ({state: word}) => (word === 'ok' ? html`<span class="mark mark-success">${icon('success')}ok</span>`
      : quietStates.includes(word) ? html`<span class="none">${word === 'none' ? 'not told' : word}</span>` : html`<span class="mark mark-failure">${icon('failure')}${word}</span>`);
    return html`<div class="scroll" tabindex="0" role="group" aria-label="Components"><table class="list"><thead><tr><th scope="col">Component</th><th scope="col">State</th><th scope="col">Since</th><th scope="col">More</th></tr></thead><tbody>
      ${backend ? html`<tr><td>${textOf(backend.kind ?? 'backend')} <span class="none">that is read here</span></td><td>${state(backend)}</td><td></td><td class="long">${more(backend, ['kind', 'state', 'newest'])}</td></tr>` : nothing}
      ${(pipelines ?? []).map(p => html`<tr><td class="code">${textOf(p.component)}</td><td>${state(p)}</td><td>${p.since ? minuteOf(p.since, zoneOf(this.view)) : ''}</td><td class="long">${more(p, ['component', 'state', 'since'])}</td></tr>`)}
      ${(heads ?? []).map(head => html`<tr><td>seals <span class="none">log</span> ${textOf(head.log)}</td><td>${head.error ? html`<span class="mark mark-failure">${icon('failure')}broken</span>`
        : html`<span class="none">${head.signature_checked ? 'signature checked' : 'signature not checked'}</span>`}</td><td></td><td class="long">${head.sealed ? html`<span class="none">last head</span> <span title=${nanosecondsOf(head.sealed, zoneOf(this.view))}>${agoOf(head.sealed)}</span>` : nothing} ${head.error ? textOf(head.error) : nothing}</td></tr>`)}
    </tbody></table></div>`;
  }

  close() {
    this.closing.abort();
    this.chart?.close();
  }
}

const isUnusual = ({last_hour: now, mean_hour_of_7_days: mean}) => now >= 10 && now > 3 * mean;

function usual({last_hour: now, mean_hour_of_7_days: mean}) {
  if (!mean) return now ? 'none in an hour of the last 7 days' : 'as in the last 7 days';
  const times = now / mean;
  const usually = `${mean < 10 ? mean.toFixed(1) : countOf(Math.round(mean))} in an hour of the last 7 days`;
  return times >= 1.5 ? `${times < 10 ? times.toFixed(1) : countOf(Math.round(times))} times the mean: ${usually}` : usually;
}

const more = (object, known) => Object.entries(object).filter(([key, value]) => !known.includes(key) && value !== null && value !== '')
  .map(([key, value]) => html`<span class="pair"><span class="none">${key.replaceAll('_', ' ')}</span> ${textOf(typeof value === 'object' ? JSON.stringify(value) : value)}</span> `);
