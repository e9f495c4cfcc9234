// One box for everything: a name, an address, a network, an id, or column=value.

import {html, nothing} from './vendor/lit-html.js';
import {icon, textOf} from './values.js';
import {conditionFor} from './view.js';

const shortNames = {
  user: 'user_name', name: 'user_name', ip: 'client_address', address: 'client_address', from: 'client_address', client: 'client_name', method: 'auth_method',
  db: 'database_name', database: 'database_name', trace: 'trace_id', session: 'session_key', record: 'record_id', error: 'error_type', app: 'application_name', event: 'kind', role: 'roles',
};
const outcomes = {failed: 'failure', failure: 'failure', failures: 'failure', success: 'success', succeeded: 'success', unknown: 'unknown'};
const kinds = {login: 'login', logins: 'login', logout: 'logout', logouts: 'logout'};

const isAddress = word => /^\d{1,3}(\.\d{1,3}){3}(\/\d{1,2})?$/.test(word) || /^[0-9a-f]*:[0-9a-f:.]*(\/\d{1,3})?$/i.test(word);
const idOf = word => {
  const digits = word.replaceAll('-', '').toLowerCase();
  return /^[0-9a-f]{32}$/.test(digits) ? digits : null;
};

// wordsOf parts a text at its blanks, but not within quotes.
export const wordsOf = text => [...text.matchAll(/(?:[^\s"]|"[^"]*"?)+/g)].map(([word]) => word);
const unquoted = word => word.replaceAll('"', '');

// readWord tells what a word asks for: {key, value}, {id}, or an error.
export function readWord(word, columns) {
  const pair = /^(-?)([a-z_]+)=(.*)$/is.exec(word);
  if (pair) {
    const [, mark, name, value] = pair;
    const column = shortNames[name.toLowerCase()] ?? name.toLowerCase();
    if (column === 'absent') return {key: mark + 'absent', value: shortNames[value] ?? value};
    if (!columns.some(c => c.name === column && c.searchable !== false)) return {error: `There is no column ${name}. Write user=alice, address=10.0.0.0/8, or a column of the list below.`};
    return {key: mark + column, value: unquoted(value)};
  }
  const isExcluded = word.startsWith('-') && word.length > 1;
  const plain = unquoted(isExcluded ? word.slice(1) : word);
  const mark = isExcluded ? '-' : '';
  if (idOf(plain)) return isExcluded ? {key: '-record_id', value: plain} : {id: idOf(plain)};
  if (isAddress(plain)) return {key: mark + 'client_address', value: plain};
  if (word.includes('"')) return {key: mark + 'user_name', value: plain};
  if (Object.hasOwn(outcomes, plain.toLowerCase())) return {key: mark + 'outcome', value: outcomes[plain.toLowerCase()]};
  if (Object.hasOwn(kinds, plain.toLowerCase())) return {key: mark + 'kind', value: kinds[plain.toLowerCase()]};
  return {key: mark + 'user_name', value: plain};
}

const guesses = [
  ['user_name', 'begins with', '*'], ['client_name', 'is', ''], ['client_name', 'begins with', '*'], ['client_address', 'begins with', '*'], ['client_hostname', 'begins with', '*'],
  ['database_name', 'is', ''], ['instance', 'is', ''], ['application_name', 'begins with', '*'],
];

// suggestionsFor lists what the text could mean; the first is what Enter takes.
export function suggestionsFor(text, columns, facets) {
  const words = wordsOf(text.trim());
  if (words.length === 0) return [];
  const title = name => columns.find(c => c.name === name)?.title ?? name;
  const typed = words.map(word => readWord(word, columns));
  const broken = typed.find(t => t.error);
  if (broken) return [{error: broken.error}];
  const first = {conditions: typed, label: typed.map(t => (t.id ? ['Record, session or trace', t.id] : [(t.key.startsWith('-') ? 'Not ' : '') + title(t.key.replace(/^-/, '')), t.value]))};
  if (words.length > 1 || /[="-]/.test(text) || typed[0].id) return [first];
  const word = words[0];
  const seen = [];
  for (const facet of facets) {
    for (const {value} of facet.values) {
      if (value !== null && value !== word && value.toLowerCase().includes(word.toLowerCase()) && seen.length < 5) {
        const [key, written] = conditionFor(facet.column, value);
        seen.push({conditions: [{key, value: written}], label: [[title(facet.column), value]]});
      }
    }
  }
  const others = guesses.filter(([name]) => columns.some(c => c.name === name))
    .map(([key, how, star]) => ({conditions: [{key, value: word + star}], label: [[`${title(key)} ${how}`, word]]}));
  return [first, ...seen, ...others].slice(0, 10);
}

// SearchBox is an input with a list of suggestions (WAI-ARIA's combobox).
export class SearchBox {
  constructor(redraw, take) {
    this.redraw = redraw;
    this.take = take;
    this.text = '';
    this.chosen = 0;
    this.isOpen = false;
  }

  suggestions(columns, facets) {
    return this.isOpen ? suggestionsFor(this.text, columns, facets) : [];
  }

  onInput(event) {
    this.text = event.target.value;
    this.chosen = 0;
    this.isOpen = true;
    this.redraw();
  }

  onKey(event, list) {
    const move = {ArrowDown: 1, ArrowUp: -1}[event.key];
    if (move && list.length) {
      this.chosen = (this.chosen + move + list.length) % list.length;
    } else if (event.key === 'Escape' && (this.isOpen || this.text)) {
      if (this.isOpen) this.isOpen = false;
      else this.text = '';
      event.stopPropagation();
    } else if (event.key === 'Escape') {
      event.target.blur();
    } else {
      return;
    }
    event.preventDefault();
    this.redraw();
  }

  submit(event, list) {
    event.preventDefault();
    const suggestion = list[this.chosen] ?? list[0];
    if (!suggestion || suggestion.error) return;
    this.accept(suggestion);
  }

  accept({conditions}) {
    this.text = '';
    this.isOpen = false;
    this.take(conditions);
  }

  template(columns, facets) {
    const list = this.suggestions(columns, facets);
    const submit = event => this.submit(event, list.length ? list : suggestionsFor(this.text, columns, facets));
    return html`<form class="searchbox" role="search" @submit=${submit}>
      <label class="unseen" for="searchbox">Search logins</label>${icon('search')}
      <input id="searchbox" type="text" autocomplete="off" autocapitalize="off" spellcheck="false" placeholder="alice, 10.0.0.0/8, user=al*, -system=ssh, an id" .value=${this.text}
        role="combobox" aria-expanded=${list.length > 0} aria-controls="suggestions" aria-autocomplete="list" aria-keyshortcuts="/" aria-activedescendant=${list.length ? `suggestion-${this.chosen}` : nothing}
        @input=${event => this.onInput(event)} @keydown=${event => this.onKey(event, list)} @blur=${() => this.leave()}>
      <kbd aria-hidden="true">/</kbd>
      <ul id="suggestions" role="listbox" aria-label="What it could mean" ?hidden=${list.length === 0}>${list.map((s, i) => this.option(s, i))}</ul>
    </form>`;
  }

  option(suggestion, i) {
    const words = suggestion.error ? html`<span class="mark-failure">${suggestion.error}</span>`
      : suggestion.label.map(([title, value]) => html`<span class="pair"><span class="none">${title}</span> ${textOf(value, 100)}</span>`);
    return html`<li id="suggestion-${i}" role="option" aria-selected=${i === this.chosen} @mousedown=${event => event.preventDefault()} @click=${() => suggestion.error || this.accept(suggestion)}>${words}</li>`;
  }

  leave() {
    this.isOpen = false;
    this.redraw();
  }
}
