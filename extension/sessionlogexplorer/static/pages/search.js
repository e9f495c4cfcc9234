// Search: the chart, the facets, the rows, and beside them one event. Rows are asked for first, and what counts fills in when it comes.

import {html, nothing, render} from '../vendor/lit-html.js';
import {addressOf, ask, download, hasToken, tail} from '../api.js';
import {BarChart, partNames, sentenceOf, slotsOf, slotText, totalsOf} from '../chart.js';
import {askSeal, eventDrawer} from '../eventdetail.js';
import {eventTable, moveRow, settleRows} from '../eventtable.js';
import {facetList, mergeFacets} from '../facets.js';
import {everything, rangeName, rangePicker} from '../rangepicker.js';
import {SearchBox} from '../searchbox.js';
import {countOf, coverageNote, errorNote, icon, plural, shortCount, sqlNote, textOf} from '../values.js';
import {apiParams, changed, conditionsOf, linkTo, pathOf, rangeOf, withCondition, withoutCondition, withRange, zoneOf} from '../view.js';
import {dayMillis, isoOf, millisOf, minuteOf} from '../times.js';

const rowsAtOnce = 100;
const mostLiveRows = 500;

export class Page {
  constructor(host, app) {
    this.host = host;
    this.app = app;
    this.box = new SearchBox(() => this.draw(), conditions => this.takeConditions(conditions));
    this.unfolded = new Set();
    this.fresh = new Set();
    this.detail = null;
    this.point = null;
    this.question = null;
    this.clear();
  }

  clear() {
    this.rows = {events: [], next: null, newest: null, coverage: null, sql: []};
    this.counts = null; // the histogram
    this.facets = {facets: [], coverage: null, sql: []};
    this.errors = {};
  }

  open(view) {
    this.view = view;
    if (![...view.params.keys()].some(key => key !== 'tz')) {
      return this.app.go(changed(view, params => params.set('from', '-24h')), {replace: true});
    }
    const question = String(apiParams(view));
    if (question !== this.question) this.load(question);
    this.follow(view.params.get('live') === '1');
    this.openEvent(view.params.get('event'));
    this.draw();
  }

  load(question) {
    this.asking?.abort();
    this.asking = new AbortController();
    this.question = question;
    this.isStale = true;
    this.isGoingOn = false;
    this.isWaiting = true;
    this.errors = {};
    this.fresh.clear();
    this.range = this.rangeNow();
    const {signal} = this.asking;
    const params = apiParams(this.view);
    this.rowsCame = this.into('rows', ask('/events', withLimit(params), signal), signal);
    this.into('counts', ask('/histogram', params, signal), signal);
    this.into('facets', ask('/facets', params, signal), signal);
  }

  async into(name, answer, signal) {
    try {
      const value = await answer;
      if (signal.aborted) return;
      this[name] = value;
      if (name === 'rows') this.sayRows();
    } catch (error) {
      if (signal.aborted) return;
      this.errors[name] = error;
    }
    if (name === 'rows') {
      this.isStale = false;
      this.isWaiting = false;
    }
    this.draw();
  }

  sayRows() {
    const {events, next} = this.rows;
    this.app.say(events.length === 0 ? 'No events.' : `${next ? 'The newest ' : ''}${plural(events.length, 'event')}.`);
  }

  rangeNow() {
    const {from, to} = rangeOf(this.view);
    return {from, to: to ?? Date.now()};
  }

  // chartRange is the view's, or that of the bars where the view's is open.
  chartRange() {
    const bars = this.counts?.bars ?? [];
    const isOpen = this.range.from === null || this.view.params.get('from') === everything;
    const first = bars.length ? millisOf(bars[0].start) : this.range.to - dayMillis;
    const last = bars.length ? millisOf(bars.at(-1).start) + this.counts.width_seconds * 1000 : this.range.to;
    return isOpen ? {from: first, to: this.view.params.get('to') ? this.range.to : last} : this.range;
  }

  draw() {
    if (!this.view) return;
    render(this.template(), this.host);
    this.drawChart();
    settleRows(this.host);
  }

  drawChart() {
    if (!this.counts || this.errors.counts) return;
    this.chart ??= new BarChart(this.host.querySelector('.chart'), {
      onRange: (from, to) => this.app.go(withRange(this.view, isoOf(from), isoOf(to))),
      onPoint: i => this.showPoint(i),
    });
    const {from, to} = this.chartRange();
    this.slots = slotsOf(this.counts.bars, this.counts.width_seconds * 1000, from, to);
    this.chart.show(this.slots, zoneOf(this.view));
    this.host.querySelector('.chart').setAttribute('aria-label', sentenceOf(this.slots, zoneOf(this.view)));
    this.drawLegend();
  }

  showPoint(i) {
    if (this.point === i) return;
    this.point = i;
    this.drawLegend();
  }

  // The legend is a root of its own: it follows the pointer, and the rows need not.
  drawLegend() {
    render(this.legend(), this.host.querySelector('.legend'));
  }

  template() {
    const {view, app} = this;
    const go = address => app.go(address);
    return html`<h1 class="unseen">Search</h1>
      <div class="bar">${this.box.template(app.config.columns, this.facets.facets)}${rangePicker(view, go)}</div>
      ${this.chips()}
      <section class="chart-box ${this.isStale ? 'stale' : ''}" aria-label="Events over time">
        <div class="chart-head"><div class="legend"></div>${this.rangeButtons()}</div>
        ${this.errors.counts ? errorNote(this.errors.counts, () => this.again()) : nothing}
        <div class="chart" role="img" aria-label="Chart of events over time" ?hidden=${Boolean(this.errors.counts)}></div>
      </section>
      <div class="columns ${this.view.params.get('event') ? 'with-drawer' : ''}">
        <details class="facets ${this.isStale ? 'stale' : ''}" ?open=${matchMedia('(min-width: 900px)').matches}><summary>Narrow by</summary><h2 class="unseen">Most frequent values</h2>
          ${this.errors.facets ? errorNote(this.errors.facets) : facetList(view, app.config, this.facets.facets, this.unfolded, () => this.draw())}
          <p>${coverageNote(this.facets.coverage, t => minuteOf(t, zoneOf(view)))}</p>
        </details>
        <section class="results ${this.isStale ? 'stale' : ''}" aria-label="Events" aria-busy=${this.isStale}>
          ${this.resultsHead()}
          ${this.errors.rows ? errorNote(this.errors.rows, () => this.again()) : this.results()}
          ${sqlNote([...new Set([...this.rows.sql ?? [], ...this.counts?.sql ?? [], ...this.facets.sql ?? []])])}
        </section>
        ${this.detail ? eventDrawer(view, app, this.detail, changed(view, params => params.delete('event'))) : nothing}
      </div>`;
  }

  chips() {
    const conditions = conditionsOf(this.view);
    if (conditions.length === 0) return html`<div class="chips"></div>`;
    return html`<ul class="chips" aria-label="Conditions">${conditions.map(c => {
      const title = this.app.config.columns.find(column => column.name === c.column)?.title ?? c.column;
      const words = c.isAbsent ? html`${title} is ${c.isExcluded ? 'there' : 'absent'}` : html`<span class="none">${title}${c.isExcluded ? ' not' : ''}</span> ${textOf(c.value, 60)}`;
      return html`<li class="chip ${c.isExcluded ? 'excluded' : ''}">${words}<a href=${withoutCondition(this.view, c.key, c.value)} aria-label="Remove ${title}">${icon('failure')}</a></li>`;
    })}
      ${conditions.length > 1 ? html`<li><a class="link" href=${changed(this.view, params => conditions.forEach(c => params.delete(c.key)))}>Remove all</a></li>` : nothing}</ul>`;
  }

  legend() {
    const zone = zoneOf(this.view);
    const isPoint = this.point !== null && this.slots && this.point < this.slots.starts.length;
    const sums = isPoint ? Object.fromEntries(partNames.map(part => [part, this.slots[part][this.point]])) : totalsOf(this.counts.bars);
    const total = partNames.reduce((sum, part) => sum + sums[part], 0);
    const part = (name, words) => html`<span class="part part-${name}">${icon(name === 'other' ? 'logout' : name)}<b>${shortCount(sums[name])}</b> ${words}</span>`;
    return html`<span class="legend-when">${isPoint ? slotText(this.slots, this.point, zone) : html`<b>${countOf(total)}</b> ${total === 1 ? 'event' : 'events'}`}</span>
      ${part('failure', 'failed')}${part('success', 'logged in')}${part('other', 'other')}
      ${isPoint ? nothing : coverageNote(this.counts.coverage, t => minuteOf(t, zone), () => this.goOn(), this.isGoingOn)}`;
  }

  rangeButtons() {
    const move = (by, words, name, key) => html`<a class="button quiet square" href=${this.movedRange(by)} aria-label=${words} title="${words} (${key})">${icon(name)}</a>`;
    return html`<div class="range-buttons">${move('earlier', 'Earlier', 'earlier', '[')}${move('wider', 'Twice the range', 'wider', 'z')}${move('later', 'Later', 'later', ']')}</div>`;
  }

  movedRange(by) {
    const {from, to} = this.chartRange();
    const length = to - from;
    const moves = {earlier: [from - length, from], later: [to, to + length], wider: [from - length / 2, to + length / 2]};
    return withRange(this.view, ...moves[by].map(at => isoOf(Math.round(at / 1000) * 1000)));
  }

  resultsHead() {
    const {view, rows} = this;
    const isLive = this.live !== undefined;
    const params = apiParams(view);
    const name = `logins-${isoOf(Date.now()).slice(0, 19).replaceAll(':', '')}`;
    const save = (ending, words) => {
      const take = event => {
        if (!hasToken()) return;
        event.preventDefault();
        download(`/events.${ending}`, params, `${name}.${ending}`).catch(error => this.app.say(error.message));
      };
      return html`<li><a href=${addressOf(`/events.${ending}`, params)} download="${name}.${ending}" @click=${take}>${words}</a></li>`;
    };
    return html`<div class="results-head"><p>${rows.events.length ? html`${rows.next ? 'Newest ' : ''}${plural(rows.events.length, 'event')}` : nothing}</p>
      <button type="button" class="quiet" aria-pressed=${isLive} @click=${() => this.toggleLive()}><span class="live-dot"></span>Live</button>
      <details class="menu"><summary>Export${icon('down')}</summary><div class="menu-body"><ul>${save('csv', 'CSV')}${save('ndjson', 'NDJSON')}${save('sql', 'SQL')}</ul>
        <p class="none">at most ${countOf(this.app.config.max_export_rows)} rows</p></div></details></div>`;
  }

  results() {
    const {events, next, coverage} = this.rows;
    const zone = zoneOf(this.view);
    if (events.length === 0) return this.isWaiting ? html`<div class="placeholder" aria-hidden="true"></div>` : this.emptyNote();
    return html`${eventTable(this.view, events, {open: this.view.params.get('event'), fresh: this.fresh})}
      <p class="more">${next ? html`<button type="button" @click=${() => this.more()} ?disabled=${this.isLoadingMore}>${rowsAtOnce} more</button>` : nothing}
      ${events.length < rowsAtOnce || !next ? coverageNote(coverage, t => minuteOf(t, zone), () => this.more()) : nothing}</p>`;
  }

  emptyNote() {
    const {view} = this;
    const {newest, coverage} = this.rows;
    const zone = zoneOf(view);
    if (!newest && conditionsOf(view).length === 0) {
      return html`<div class="empty"><h2>Nothing is stored yet</h2><p>Logins appear here as soon as the exporter has written the first one. <a href=${linkTo(view, '/now')}>Now</a> shows what the collector is doing.</p></div>`;
    }
    const at = newest && millisOf(newest);
    const isElsewhere = newest && (at < this.range.from || at >= this.range.to);
    return html`<div class="empty"><h2>No event ${conditionsOf(view).length ? 'meets the conditions' : 'in this range'}</h2>
      <p>${rangeName(view)}. ${coverageNote(coverage, t => minuteOf(t, zone), () => this.more())}</p>
      ${isElsewhere ? html`<p>Newest record: ${minuteOf(newest, zone)}, <a href=${withRange(view, isoOf(at - dayMillis), isoOf(Math.ceil((at + 1) / 60_000) * 60_000))}>go there</a>.</p>` : nothing}
      <p>${view.params.get('from') === everything ? nothing : html`<a href=${withRange(view, everything, '')}>Look at all time</a>`}
      ${conditionsOf(view).length ? html` · <a href=${changed(view, params => conditionsOf(view).forEach(c => params.delete(c.key)))}>Remove the conditions</a>` : nothing}</p></div>`;
  }

  async more() {
    if (this.isLoadingMore) return;
    const {signal} = this.asking;
    const {next, coverage} = this.rows;
    const params = withLimit(apiParams(this.view));
    if (next) params.set('after', next);
    else params.set('to', coverage.from);
    this.isLoadingMore = true;
    this.draw();
    try {
      const answer = await ask('/events', params, signal);
      this.rows = {...answer, events: [...this.rows.events, ...answer.events]};
      this.sayRows();
    } catch (error) {
      if (!signal.aborted) this.errors.rows = error;
    }
    this.isLoadingMore = false;
    this.draw();
  }

  // goOn counts further back, part by part, until all is counted or it is stopped.
  async goOn() {
    if (this.isGoingOn) {
      this.isGoingOn = false;
      return this.draw();
    }
    this.isGoingOn = true;
    const {signal} = this.asking;
    try {
      while (this.isGoingOn && !signal.aborted && !(this.counts.coverage.complete && this.facets.coverage?.complete !== false)) await this.countFurther(signal);
    } catch (error) {
      if (!signal.aborted) this.errors.counts = error;
    }
    if (signal.aborted) return;
    this.isGoingOn = false;
    this.draw();
  }

  async countFurther(signal) {
    const before = coverage => {
      const params = apiParams(this.view, {to: coverage.from});
      params.set('width', `${this.counts.width_seconds}s`);
      return params;
    };
    if (!this.counts.coverage.complete) {
      const more = await ask('/histogram', before(this.counts.coverage), signal);
      this.counts = {...this.counts, bars: [...more.bars, ...this.counts.bars], coverage: more.coverage};
    }
    if (this.facets.coverage && !this.facets.coverage.complete) {
      const params = before(this.facets.coverage);
      params.delete('width');
      const more = await ask('/facets', params, signal);
      this.facets = {...this.facets, facets: mergeFacets(this.facets.facets, more.facets), coverage: more.coverage};
    }
    this.draw();
  }

  again() {
    this.question = null;
    this.open(this.view);
  }

  async openEvent(id) {
    if (!id) {
      this.detail = null;
      return;
    }
    if (this.detail?.id === id) return;
    const known = this.rows.events.find(e => e.record_id === id);
    const detail = this.detail = {id, event: known};
    try {
      Object.assign(detail, await ask(`/events/${encodeURIComponent(id)}`, '', this.asking.signal));
    } catch (error) {
      if (error.name === 'AbortError') return;
      detail.error = error;
    }
    if (this.detail !== detail) return;
    this.draw();
    detail.seal = detail.error ? null : await askSeal(id, this.asking.signal);
    if (detail.seal && this.detail === detail) this.draw();
  }

  async takeConditions(conditions) {
    document.getElementById('main').focus({preventScroll: true}); // so that j goes to the first row
    for (const {id} of conditions.filter(c => c.id)) return this.findId(id);
    let address = this.view;
    for (const {key, value} of conditions) address = {...address, params: new URL(withCondition(address, key, value), location.origin).searchParams};
    this.app.go(changed(address, () => {}));
  }

  // findId opens the record, else the session of this id, else looks for its trace.
  async findId(id) {
    const found = async column => (await ask('/events', new URLSearchParams({[column]: id, limit: 1}))).events[0];
    try {
      if (await found('record_id')) return this.app.go(changed(this.view, params => params.set('event', id)));
      const event = await found('session_key');
      if (event) return this.app.go(linkTo(this.view, pathOf('session', id), {at: event.time}));
    } catch (error) {
      this.errors.rows = error;
      return this.draw();
    }
    return this.app.go(linkTo(this.view, '/search', {from: everything, trace_id: id}));
  }

  toggleLive() {
    this.app.go(changed(this.view, params => {
      params.delete('event');
      if (params.has('live')) return params.delete('live');
      params.set('live', '1');
      params.delete('to');
    }), {replace: true});
  }

  async follow(isWanted) {
    const key = isWanted ? this.question : undefined;
    if (this.live?.key === key) return;
    this.live?.stop.abort();
    this.live = isWanted ? {key, stop: new AbortController()} : undefined;
    if (!isWanted) return;
    const {stop} = this.live;
    const params = apiParams(this.view);
    params.delete('to');
    const newest = withLimit(params);
    params.delete('from');
    const addMissed = async () => (await ask('/events', newest, stop.signal)).events.reverse().forEach(event => this.addLive(event));
    try {
      await this.rowsCame; // they take the place of all that is shown
      for await (const event of tail(params, stop.signal, addMissed)) this.addLive(event);
    } catch (error) {
      this.errors.rows = error;
    }
    if (stop.signal.aborted) return;
    this.live = undefined;
    this.draw();
  }

  addLive(event) {
    if (this.rows.events.some(e => e.record_id === event.record_id)) return;
    this.fresh.add(event.record_id);
    this.rows = {...this.rows, events: [event, ...this.rows.events].slice(0, mostLiveRows)};
    if (this.counts) {
      const width = this.counts.width_seconds * 1000;
      const start = isoOf(Math.floor(millisOf(event.time) / width) * width);
      this.counts = {...this.counts, bars: [...this.counts.bars, {start, kind: event.kind, outcome: event.outcome, count: 1}]};
      this.range.to = Math.max(this.range.to, Date.now());
    }
    this.app.say(`${plural(this.fresh.size, 'new event')}.`);
    this.draw();
  }

  key(event) {
    const moves = {'[': 'earlier', ']': 'later', z: 'wider'};
    if (moves[event.key]) return this.app.go(this.movedRange(moves[event.key]));
    switch (event.key) {
      case '/': return this.host.querySelector('#searchbox').select(), this.host.querySelector('#searchbox').focus(), true;
      case 'j': case 'ArrowDown': return this.move(1, event);
      case 'k': case 'ArrowUp': return this.move(-1, event);
      case 'l': return this.toggleLive(), true;
      case 'r': return this.again(), true;
      case 'Escape': return this.closeEvent();
      case 'Enter': return this.enterEvent(event);
    }
    return false;
  }

  move(by, event) {
    if (event.key.startsWith('Arrow') && !event.target.closest?.('.row')) return false;
    const link = moveRow(this.host, by);
    if (link && this.detail) this.app.go(link.href, {replace: true});
    if (!link && by > 0 && this.rows.next) this.more();
    return true;
  }

  enterEvent(event) {
    if (!event.target.classList?.contains('row-link')) return false;
    this.app.go(event.target.href).then(() => this.host.querySelector('#drawer-title')?.focus());
    return true;
  }

  closeEvent() {
    if (!this.detail) return false;
    const {id} = this.detail;
    this.app.go(changed(this.view, params => params.delete('event'))).then(() => this.host.querySelector(`[data-id="${CSS.escape(id)}"] .row-link`)?.focus());
    return true;
  }

  close() {
    this.asking?.abort();
    this.live?.stop.abort();
    this.chart?.close();
  }
}

function withLimit(params) {
  const limited = new URLSearchParams(params);
  limited.set('limit', rowsAtOnce);
  return limited;
}
