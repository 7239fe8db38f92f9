/** The docs site. Its pages are staged by build.mjs. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitepress';
import { slugOf } from '../../markdown-links.mjs';
import { apiSidebar } from '../api-sidebar.mjs';
import { sidebar } from '../sidebar.mjs';

const picture = readFileSync(new URL('../../../public/favicon.svg', import.meta.url), 'utf8');
// In the page: a relative address of a file would depend on the page's folder.
const icon = `data:image/svg+xml,${encodeURIComponent(picture)}`;
const pages = fileURLToPath(new URL('../pages', import.meta.url));

export default defineConfig({
  title: 'Holdfast',
  description: 'x86 guests in the browser that outlive the page and the emulator that runs them',
  // Relative: the built site works under any path.
  base: './',
  srcDir: 'pages',
  outDir: '../../dist-docs',
  // The build fails on every other link that leads nowhere.
  ignoreDeadLinks: 'localhostLinks',
  head: [['link', { rel: 'icon', type: 'image/svg+xml', href: icon }]],
  markdown: { anchor: { slugify: slugOf } },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Start', link: '/getting-started' },
      { text: 'Library', link: '/library' },
      { text: 'Tests', link: '/testing' },
      { text: 'API', link: '/api/' },
    ],
    sidebar: {
      '/api/': [{ text: 'API reference', link: '/api/' }, ...apiSidebar(pages)],
      '/': sidebar,
    },
  },
});
