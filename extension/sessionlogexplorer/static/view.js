// A view is its address: the path says which page, the query string which events. The API takes the same query string.

import {rangeMoment, readersZone} from './times.js';

// pageKeys are those that only the page reads.
const pageKeys = ['event', 'live', 'sort'];
const rangeKeys = ['from', 'to', 'tz'];

export function viewOf(address) {
  const url = new URL(address, location.origin);
  const [, page, ...rest] = url.pathname.split('/');
  return {page: page || 'search', subject: decodeURIComponent(rest.join('/')), params: url.searchParams, path: url.pathname};
}

export const zoneOf = view => view.params.get('tz') || readersZone;

// apiParams is what the API is asked with.
export function apiParams(view, more = {}) {
  const params = new URLSearchParams(view.params);
  for (const key of pageKeys) params.delete(key);
  params.set('tz', zoneOf(view));
  for (const [key, value] of Object.entries(more)) params.set(key, value);
  return params;
}

// rangeOf is the view's range in milliseconds; null where it is open.
export function rangeOf(view) {
  const zone = zoneOf(view);
  return {from: rangeMoment(view.params.get('from'), zone), to: rangeMoment(view.params.get('to'), zone, true)};
}

export const isCondition = key => !pageKeys.includes(key) && !rangeKeys.includes(key);

// conditionsOf lists what the view's events must meet.
export function conditionsOf(view) {
  return [...view.params].filter(([key]) => isCondition(key)).map(([key, value]) => {
    const isExcluded = key.startsWith('-');
    const name = isExcluded ? key.slice(1) : key;
    return name === 'absent' ? {key, value, isExcluded, column: value, isAbsent: true} : {key, value, isExcluded, column: name};
  });
}

// changed is the address of a view after a change of its parameters.
export function changed(view, change) {
  const params = new URLSearchParams(view.params);
  change(params);
  return addressWith(view.path, params);
}

export const addressWith = (path, params) => {
  const query = String(params);
  return path + (query && '?' + query);
};

export function withCondition(view, key, value) {
  return changed(view, params => {
    params.delete('event');
    const opposite = key.startsWith('-') ? key.slice(1) : '-' + key;
    params.delete(opposite, value);
    if (!params.has(key, value)) params.append(key, value);
  });
}

export const withoutCondition = (view, key, value) => changed(view, params => {
  params.delete('event');
  params.delete(key, value);
});

export function withRange(view, from, to) {
  return changed(view, params => {
    params.delete('event');
    for (const [key, value] of [['from', from], ['to', to]]) value ? params.set(key, value) : params.delete(key);
  });
}

// conditionFor is the key and value that find a column's value; null stands for an absent one.
export function conditionFor(column, value, isExcluded = false) {
  const mark = isExcluded ? '-' : '';
  if (value === null) return [mark + 'absent', column];
  const text = String(value);
  return [mark + column, text.endsWith('*') ? text.slice(0, -1) + '\\*' : text];
}

// linkTo is the address of another page, in the same zone.
export function linkTo(view, path, params = {}) {
  const all = new URLSearchParams(params);
  if (view.params.has('tz')) all.set('tz', view.params.get('tz'));
  return addressWith(path, all);
}

const longestInAddress = 2000;

// pathOf is the page of a user, an address or a session; null where no address can name it.
export function pathOf(page, subject) {
  const text = String(subject);
  if (text === '' || text === '.' || text === '..' || text.length > longestInAddress || !text.isWellFormed()) return null;
  return `/${page}/${encodeURIComponent(text)}`;
}
