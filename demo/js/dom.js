// Elements without HTML: text is always text.

const svg = 'http://www.w3.org/2000/svg';

const shapes = {
  waiting: 'M12 6v6l4 2M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0-18',
  sent: 'M5 12l5 5L20 7',
  delivered: 'M2 12l5 5L16 7M11 16l1 1L22 7',
  failed: 'M12 6v8M12 17.5v.5M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0-18',
  close: 'M6 6l12 12M18 6L6 18',
  group: 'M9 11a3.5 3.5 0 1 0 0-7a3.5 3.5 0 0 0 0 7M2.5 20c0-3.5 2.5-6 6.5-6'
    + 's6.5 2.5 6.5 6M15.5 4.5a3.5 3.5 0 0 1 0 6M18 14.5c2.2.8 3.5 2.8 3.5 5.5',
  broadcast: 'M4 10v4l3 .6l11 4.4V5L7 9.4zM7 14.6V19h3.5v-3M21 10v4',
};

export const $ = (id) => document.getElementById(id);

// h('p', { class: 'x', onclick: f }, 'text', element, ...)
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);

  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith('on')) {
      element.addEventListener(key.slice(2), value);
    } else if (value !== false && value !== undefined) {
      element.setAttribute(key, value === true ? '' : value);
    }
  }
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

export function icon(shape, label) {
  const element = document.createElementNS(svg, 'svg');
  const path = document.createElementNS(svg, 'path');

  element.setAttribute('viewBox', '0 0 24 24');
  element.setAttribute('class', `icon ${shape}`);
  if (label) {
    element.setAttribute('role', 'img');
    element.setAttribute('aria-label', label);
  } else {
    element.setAttribute('aria-hidden', 'true');
  }
  path.setAttribute('d', shapes[shape]);
  element.append(path);
  return element;
}

export function avatar(name, seed, status) {
  const initials = name.split(/\s+/).slice(0, 2).map((word) => [...word][0]);
  const element = h('span',
    { class: `avatar hue-${seed % 6}`, 'aria-hidden': 'true' },
    initials.join('').toUpperCase());

  if (status) element.append(h('span', { class: `dot ${status}` }));
  return element;
}

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' });
const day = new Intl.DateTimeFormat(undefined, { dateStyle: 'full' });

export function time(at) {
  const date = new Date(at);
  return h('time', { datetime: date.toISOString() }, clock.format(date));
}

export const dayOf = (at) => day.format(new Date(at));
