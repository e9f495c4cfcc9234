// A session on one line: the failures before, the login, its updates, the logout.

import {html, nothing, render, svg} from '../vendor/lit-html.js';
import {ask} from '../api.js';
import {askSeal, eventFields, eventLinks, rawRecord, sealNote} from '../eventdetail.js';
import {addressLink, coverageNote, errorNote, eventMark, plainOf, signOf, sqlNote, textOf, userLink} from '../values.js';
import {apiParams, linkTo, zoneOf} from '../view.js';
import {agoOf, lengthOf, millisOf, minuteOf, nanosecondsOf, rowTime} from '../times.js';

export class Page {
  constructor(host, app) {
    this.host = host;
    this.app = app;
    this.asking = new AbortController();
    this.seals = {};
  }

  async open(view) {
    this.view = view;
    this.app.title(plainOf(view.subject).slice(0, 8));
    if (!this.answer) {
      try {
        this.answer = await ask(`/sessions/${encodeURIComponent(view.subject)}`, apiParams(view), this.asking.signal);
      } catch (error) {
        if (error.name === 'AbortError') return;
        this.error = error;
      }
    }
    render(this.template(), this.host);
  }

  template() {
    if (this.error) return html`<h1>Session</h1>${errorNote(this.error)}`;
    const {events, before, coverage, sql} = this.answer;
    const zone = zoneOf(this.view);
    if (events.length === 0) return html`<h1>Session</h1><div class="empty"><h2>No event has this session's key</h2><p>It may have expired. <a href=${linkTo(this.view, '/search')}>Search</a></p></div>`;
    const all = [...(before ?? []), ...events];
    const login = events.find(isSuccess) ?? events[0];
    const failures = all.filter(e => e.kind === 'login' && !isSuccess(e)).length;
    const logout = events.find(e => e.kind === 'logout');
    return html`<h1>Session of ${userLink(this.view, login.user_name)} <span class="none">from</span> ${addressLink(this.view, login.client_address)}</h1>
      <dl class="facts">
        ${fact('System', textOf([login.system, login.instance].filter(Boolean).join(' · ')))}
        ${fact('Begun', minuteOf(login.time, zone))}
        ${fact('State', logout ? html`ended after ${lengthOf(millisOf(logout.time) - millisOf(login.time))}` : html`<b>no logout yet</b>, begun ${agoOf(login.time)}`)}
        ${login.client_name ? fact('Client', textOf([login.client_name, login.client_version].filter(Boolean).join(' '))) : nothing}
        ${login.driver ? fact('Driver', textOf(login.driver)) : nothing}
        ${fact('TLS', login.tls_version ? textOf(login.tls_version) : html`<span class="none">not said</span>`)}
        ${login.auth_method ? fact('Method', textOf(login.auth_method)) : nothing}
        ${login.roles?.length ? fact('Roles', textOf(login.roles.join(', '))) : nothing}
        ${failures ? fact('Failures before', html`<span class="mark mark-failure">${failures}</span>`) : nothing}
      </dl>
      ${all.length > 1 ? line(all, zone) : nothing}
      <h2 class="unseen">Events</h2><ol class="story">${all.map((event, i) => this.step(event, i, all, millisOf(login.time)))}</ol>
      <p>${coverageNote(coverage, t => minuteOf(t, zone))}</p>${sqlNote(sql)}`;
  }

  step(event, i, all, begun) {
    const zone = zoneOf(this.view);
    const offset = millisOf(event.time) - begun;
    const remark = event.failure_reason ?? event.application_name ?? event.source_event;
    const gap = i > 0 ? millisOf(event.time) - millisOf(all[i - 1].time) : 0;
    return html`<li class="step step-${signOf(event)[0]} ${gap > 600_000 ? 'after-gap' : ''}">
      <details ?open=${offset === 0} @toggle=${toggled => toggled.target.open && this.lookAtSeal(event.record_id)}><summary><span class="step-time"><span title=${nanosecondsOf(event.time, zone)}>${rowTime(event.time, zone)}</span>
        <span class="none">${offset === 0 ? 'login' : `${offset < 0 ? '−' : '+'}${lengthOf(Math.abs(offset))}`}</span></span>
        <span class="step-what">${eventMark(event)} ${remark ? textOf(remark, 200) : nothing}</span></summary>
        <div class="step-body"><p class="moment">${nanosecondsOf(event.time, zone)}</p>${eventLinks(this.view, this.app.config, {...event, session_key: undefined})}${eventFields(this.view, this.app.config, event)}${sealNote(this.view, this.app, event.record_id, this.seals[event.record_id])}${rawRecord(event.original)}</div></details></li>`;
  }

  async lookAtSeal(id) {
    if (id in this.seals) return;
    this.seals[id] = null;
    this.seals[id] = await askSeal(id, this.asking.signal);
    if (this.seals[id]) render(this.template(), this.host);
  }

  close() {
    this.asking.abort();
  }
}

const isSuccess = event => event.kind === 'login' && event.outcome !== 'failure';

const fact = (title, value) => html`<div><dt>${title}</dt><dd>${value}</dd></div>`;

const lineWidth = 1000;

// line draws the events where they stand in time.
function line(events, zone) {
  const [first, last] = [millisOf(events[0].time), millisOf(events.at(-1).time)];
  const at = event => 12 + ((lineWidth - 24) * (millisOf(event.time) - first)) / Math.max(1, last - first);
  const login = events.find(isSuccess) ?? events[0];
  const said = `From ${rowTime(events[0].time, zone)} to ${rowTime(events.at(-1).time, zone)}, ${lengthOf(last - first)}.`;
  return html`<svg class="line" role="img" aria-label=${said} viewBox="0 0 ${lineWidth} 28" preserveAspectRatio="none">
    ${svg`<path class="line-all" d="M12 14H${lineWidth - 12}"/><path class="line-session" d="M${at(login)} 14H${lineWidth - 12}"/>`}
    ${events.map(event => svg`<path class="line-mark line-${signOf(event)[0]}" d="M${at(event)} 5v18"><title>${rowTime(event.time, zone)} ${signOf(event)[1]}</title></path>`)}</svg>
    <p class="line-ends"><span>${rowTime(events[0].time, zone)}</span><span>${lengthOf(last - first)}</span><span>${rowTime(events.at(-1).time, zone)}</span></p>`;
}
