// Bars of events over time. Failures stand at the bottom, where they can be compared.

import {html, nothing, render, svg} from './vendor/lit-html.js';
import {shortCount, signOf} from './values.js';
import {clockOf, dayMillis, minuteOf, monthOf, secondsOf, shortDay, ticksOf} from './times.js';

export const partNames = ['failure', 'success', 'other'];

const mostSlots = 3000;
const slotsOfScreen = 400;
const roundWidths = [1, 5, 15, 60, 300, 900, 3600, 3 * 3600, 6 * 3600, 12 * 3600].map(seconds => seconds * 1000);
const leastPixels = 2;
const tickPixels = 84;
const edge = {left: 40, right: 8, top: 8, bottom: 36};

// partOf tells which part of a bar an event belongs to.
export function partOf(bar) {
  const [sign] = signOf(bar);
  return bar.kind === 'login' && (sign === 'failure' || sign === 'success') ? sign : 'other';
}

export function totalsOf(bars) {
  const totals = {failure: 0, success: 0, other: 0};
  for (const bar of bars) totals[partOf(bar)] += bar.count;
  return totals;
}

// slotsOf lays bars out over a range of milliseconds, with the empty ones between them.
// The bars may be much narrower than the range needs: the server makes them for the time of which there are events.
export function slotsOf(bars, barWidth, from, to) {
  const width = slotWidthOf(barWidth, to - from);
  const first = Math.floor(from / width) * width;
  const count = Math.min(mostSlots, Math.max(1, Math.ceil((to - first) / width)));
  const slots = {starts: Array.from({length: count}, (_, i) => first + i * width), width};
  for (const part of partNames) slots[part] = new Array(count).fill(0);
  for (const bar of bars) {
    const i = Math.floor((Date.parse(bar.start) - first) / width);
    if (i >= 0 && i < count) slots[partOf(bar)][i] += bar.count;
  }
  return slots;
}

function slotWidthOf(barWidth, length) {
  if (length <= barWidth * slotsOfScreen) return barWidth;
  return roundWidths.find(width => width % barWidth === 0 && length <= width * slotsOfScreen) ?? Math.ceil(length / slotsOfScreen / barWidth) * barWidth;
}

export function slotText(slots, i, zone) {
  const [start, end] = [slots.starts[i], slots.starts[i] + slots.width];
  if (slots.width >= dayMillis) return minuteOf(start, zone) + ' and on';
  return `${shortDay(start, zone)} ${slots.width < 60_000 ? secondsOf(start, zone) : clockOf(start, zone)}–${slots.width < 60_000 ? secondsOf(end, zone) : clockOf(end, zone)}`;
}

// sentenceOf says in words what the chart shows.
export function sentenceOf(slots, zone) {
  const sums = slots.starts.map((_, i) => sumAt(slots, i));
  const total = sums.reduce((a, b) => a + b, 0);
  if (total === 0) return 'Chart of events over time: none.';
  const most = sums.indexOf(Math.max(...sums));
  return `Chart of events over time: ${total} from ${minuteOf(slots.starts[0], zone)} to ${minuteOf(slots.starts.at(-1) + slots.width, zone)}, most of them, ${sums[most]}, at ${slotText(slots, most, zone)}.`;
}

const sumAt = (slots, i) => partNames.reduce((sum, part) => sum + slots[part][i], 0);

// levelsOf are two or three round numbers up to the most.
export function levelsOf(most) {
  const size = 10 ** Math.floor(Math.log10(most));
  const step = [0.1, 0.2, 0.5, 1, 2, 5].map(n => n * size).find(n => most / n < 4 && n >= 1) ?? 1;
  return Array.from({length: Math.floor(most / step)}, (_, i) => (i + 1) * step);
}

function tickName(at, step, zone) {
  if (step >= 28 * dayMillis) return monthOf(at, zone);
  if (step >= dayMillis) return shortDay(at, zone);
  return step < 60_000 ? secondsOf(at, zone) : clockOf(at, zone);
}

// BarChart draws into a host element. onRange gets the milliseconds of a dragged or clicked range, onPoint the slot under the pointer or null.
export class BarChart {
  constructor(host, {height = 132, onRange, onPoint}) {
    Object.assign(this, {host, height, onRange, onPoint, point: null, drag: null});
    this.resizes = new ResizeObserver(() => this.draw());
    this.resizes.observe(host);
  }

  show(slots, zone) {
    this.slots = slots;
    this.zone = zone;
    this.from = slots.starts[0];
    this.to = slots.starts.at(-1) + slots.width;
    this.most = Math.max(4, ...slots.starts.map((_, i) => sumAt(slots, i)));
    this.draw();
  }

  x(at) {
    return edge.left + ((at - this.from) / (this.to - this.from)) * (this.width - edge.left - edge.right);
  }

  y(count) {
    return this.height - edge.bottom - (count / this.most) * (this.height - edge.bottom - edge.top);
  }

  draw() {
    if (!this.slots) return;
    this.width = this.host.clientWidth;
    const {width, height} = this;
    render(html`<svg class="bars" width=${width} height=${height} @pointerdown=${e => this.begin(e)} @pointermove=${e => this.hover(e)} @pointerup=${e => this.end(e)}
      @pointerleave=${() => this.pointAt(null)} @pointercancel=${() => this.cancel()}>${this.grid()}${this.parts()}${this.axis()}${this.cursor()}</svg>`, this.host);
  }

  grid() {
    return levelsOf(this.most).map(n => svg`<path class="grid" d="M${edge.left} ${Math.round(this.y(n)) + 0.5}H${this.width - edge.right}"/><text class="level" x=${edge.left - 8} y=${this.y(n) + 4}>${shortCount(n)}</text>`);
  }

  // parts are three paths, each over the one before. No part is too small to be seen.
  parts() {
    const {slots} = this;
    const paths = Object.fromEntries(partNames.map(part => [part, '']));
    const slotWidth = this.x(this.from + slots.width) - edge.left;
    const barWidth = Math.max(1, slotWidth - (slotWidth > 3 ? 1 : 0));
    slots.starts.forEach((start, i) => {
      let foot = this.y(0);
      for (const part of partNames) {
        if (slots[part][i] === 0) continue;
        const tall = Math.max(leastPixels, this.y(0) - this.y(slots[part][i]));
        foot -= tall;
        paths[part] += `M${this.x(start).toFixed(1)} ${foot.toFixed(1)}h${barWidth.toFixed(1)}v${tall.toFixed(1)}h${-barWidth.toFixed(1)}z`;
      }
    });
    return partNames.map(part => svg`<path class="bar-${part}" d=${paths[part]}/>`);
  }

  axis() {
    const {ticks, step} = ticksOf(this.from, this.to, Math.max(2, Math.floor(this.width / tickPixels)), this.zone);
    const base = this.height - edge.bottom;
    let day = '';
    return svg`<path class="base" d="M${edge.left} ${base + 0.5}H${this.width - edge.right}"/>${ticks.filter(at => this.x(at) < this.width - 2 * edge.right).map(at => {
      const its = step < dayMillis ? shortDay(at, this.zone) : '';
      const isNew = its !== day;
      day = its;
      return svg`<text x=${this.x(at)} y=${base + 15}>${tickName(at, step, this.zone)}</text>${isNew ? svg`<text class="tick-day" x=${this.x(at)} y=${base + 29}>${its}</text>` : nothing}`;
    })}`;
  }

  cursor() {
    const tall = this.height - edge.bottom - edge.top;
    if (this.drag) {
      const [left, right] = this.dragged().map(at => this.x(at));
      return svg`<rect class="selection" x=${left} y=${edge.top} width=${right - left} height=${tall}></rect>`;
    }
    if (this.point === null || this.point >= this.slots.starts.length) return nothing;
    const left = this.x(this.slots.starts[this.point]);
    return svg`<rect class="under-pointer" x=${left} y=${edge.top} width=${this.x(this.from + this.slots.width) - edge.left} height=${tall}></rect>`;
  }

  slotAt(event) {
    const share = (event.clientX - this.host.getBoundingClientRect().left - edge.left) / (this.width - edge.left - edge.right);
    return Math.min(this.slots.starts.length - 1, Math.max(0, Math.floor((share * (this.to - this.from)) / this.slots.width)));
  }

  // dragged is the range of whole slots between where the drag began and where it is.
  dragged() {
    const [first, last] = [this.drag.slot, this.point ?? this.drag.slot].sort((a, b) => a - b);
    return [this.slots.starts[first], this.slots.starts[last] + this.slots.width];
  }

  pointAt(slot) {
    if (slot === this.point || (slot === null && this.drag)) return;
    this.point = slot;
    this.onPoint(slot);
    this.draw();
  }

  begin(event) {
    if (event.button !== 0) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    this.pointAt(this.slotAt(event));
    this.drag = {slot: this.slotAt(event)};
    event.preventDefault();
  }

  hover(event) {
    this.pointAt(this.slotAt(event));
  }

  end(event) {
    if (!this.drag) return;
    this.point = this.slotAt(event);
    const range = this.dragged();
    this.cancel();
    this.onRange(...range);
  }

  cancel() {
    this.drag = null;
    this.draw();
  }

  close() {
    this.resizes.disconnect();
  }
}
