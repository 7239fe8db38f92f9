import { expect, test } from 'vitest';
import { root } from '../setup.mjs';
import { sidebar } from './sidebar.mjs';
import { placesOf } from './stage.mjs';

test('every page of the site is in the sidebar, and nothing else', () => {
  const links = sidebar.flatMap(({ items }) => items.map(({ link }) => link));
  const pages = [...placesOf(root).values()]
    // The home page, and the decisions, whose list is in the sidebar.
    .filter((page) => page !== 'index.md' && !/^adr\/\d/.test(page))
    .map((page) => `/${page.replace(/(index)?\.md$/, '')}`);
  expect(links.sort()).toEqual(pages.sort());
});
