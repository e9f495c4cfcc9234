// The most frequent values of each column: a click takes one in, the second control leaves it out.

import {html, nothing, svg} from './vendor/lit-html.js';
import {countOf, icon, plainOf, shortCount, textOf} from './values.js';
import {conditionFor, withCondition, withoutCondition} from './view.js';

const shownAtFirst = 5;

function facetValue(view, column, title, {value, count}, total) {
  const [key, written] = conditionFor(column, value);
  const [excludeKey] = conditionFor(column, value, true);
  const isTaken = view.params.has(key, written);
  const name = value === null ? 'none' : plainOf(value);
  const tooLong = value !== null && value.length > 1000;
  const text = html`<span class="unseen">${isTaken ? 'No longer only' : 'Only'} ${title} </span><span class="facet-name">${value === null ? html`<span class="none">(none)</span>` : textOf(value, 80)}</span><span class="facet-count">${shortCount(count)}</span>`;
  const share = html`<svg class="share" aria-hidden="true">${svg`<rect width="${Math.max(1, (100 * count) / total)}%" height="100%" rx="2"></rect>`}</svg>`;
  if (tooLong) return html`<li class="facet">${share}<span class="facet-take">${text}</span></li>`;
  return html`<li class="facet ${isTaken ? 'taken' : ''}">${share}
    <a class="facet-take" href=${isTaken ? withoutCondition(view, key, written) : withCondition(view, key, written)} aria-current=${isTaken ? 'true' : nothing}>${text}</a>
    <a class="facet-leave" href=${withCondition(view, excludeKey, written)} aria-label="Without ${title} ${name}" title="Without">${icon('wider')}</a></li>`;
}

export function facetList(view, config, facets, unfolded, redraw) {
  return facets.filter(f => f.values.length > 0 && !(f.values.length === 1 && f.values[0].value === null)).map(({column, values, others}) => {
    const title = config.columns.find(c => c.name === column)?.title ?? column;
    const total = values.reduce((sum, v) => sum + v.count, others);
    const isUnfolded = unfolded.has(column);
    const shown = isUnfolded ? values : values.slice(0, shownAtFirst);
    const unfold = () => {
      isUnfolded ? unfolded.delete(column) : unfolded.add(column);
      redraw();
    };
    return html`<section class="facet-group"><h3>${title}</h3><ul>${shown.map(v => facetValue(view, column, title, v, total))}</ul>
      ${values.length > shownAtFirst ? html`<button type="button" class="link" aria-expanded=${isUnfolded} @click=${unfold}>${isUnfolded ? 'fewer' : `${values.length - shownAtFirst} more`}<span class="unseen"> of ${title}</span></button>` : nothing}
      ${others > 0 && (isUnfolded || values.length <= shownAtFirst) ? html`<p class="none">${countOf(others)} others</p>` : nothing}</section>`;
  });
}

// mergeFacets adds an earlier part's counts.
export function mergeFacets(a, b) {
  return a.map(facet => {
    const more = b.find(f => f.column === facet.column);
    if (!more) return facet;
    const sums = new Map(facet.values.map(v => [v.value, v.count]));
    for (const {value, count} of more.values) sums.set(value, (sums.get(value) ?? 0) + count);
    return {column: facet.column, values: [...sums].map(([value, count]) => ({value, count})).sort((x, y) => y.count - x.count), others: facet.others + more.others};
  });
}
