// New: plain questions about what was not there before, each with what it found.

import {html, nothing} from '../vendor/lit-html.js';
import {findingList} from '../findings.js';
import {QuestionPage} from '../questionpage.js';
import {rangePicker} from '../rangepicker.js';
import {coverageNote, errorNote, icon, plural, sqlNote} from '../values.js';
import {zoneOf} from '../view.js';
import {minuteOf} from '../times.js';

// lookedAt says that a question had no time for all: none found is then no "none".
const lookedAt = (coverage, findings, zone) => (coverage?.complete !== false ? nothing
  : html`<p class="not-looked-at">${findings.length ? nothing : html`${icon('failed-page')}none yet, `}${coverageNote(coverage, t => minuteOf(t, zone))}: what was before is not looked at</p>`);

export class Page extends QuestionPage {
  async open(view) {
    this.view = view;
    if (!await this.askAnew('/new')) return;
    const found = this.answer.questions.reduce((n, q) => n + q.findings.length, 0);
    const isWhole = this.answer.questions.every(q => q.coverage?.complete !== false);
    this.app.say(found ? `${plural(found, 'finding')}.` : isWhole ? 'Nothing new.' : 'Nothing new in what could be looked at in time.');
  }

  template() {
    const {view} = this;
    const heading = html`<div class="heading"><div><h1>New</h1><p class="lead">What was not there before. Plain questions, no score.</p></div>
      <div class="bar-end">${rangePicker(view, address => this.app.go(address), 'The day before the newest record')}</div></div>`;
    if (this.error) return html`${heading}${errorNote(this.error, () => this.open(view))}`;
    if (!this.answer) return html`${heading}<div class="placeholder" aria-hidden="true"></div>`;
    const {from, until} = this.answer;
    const zone = zoneOf(view);
    const asked = from && until ? html`<p class="asked none">From ${minuteOf(from, zone)} to ${minuteOf(until, zone)}</p>` : nothing;
    return html`${heading}${asked}<div class="questions ${this.isStale ? 'stale' : ''}" aria-busy=${this.isStale}>${this.answer.questions.map(q => this.question(q))}</div>`;
  }

  question({name, title, explanation, findings, coverage, sql}) {
    const zone = zoneOf(this.view);
    const statements = sql ?? [...new Set(findings.flatMap(f => f.sql ?? []))];
    return html`<section class="question" aria-labelledby="q-${name}">
      <div class="question-asked"><h2 id="q-${name}">${title} ${findings.length ? html`<span class="tally">${findings.length}<span class="unseen"> found</span></span>` : nothing}</h2>
        <p class="explanation">${explanation}</p>${sqlNote(statements)}</div>
      <div class="question-found">${findings.length ? findingList(this.view, findings) : coverage?.complete === false ? nothing : html`<p class="nothing-found">${icon('success')}none</p>`}
        ${lookedAt(coverage, findings, zone)}</div></section>`;
  }
}
