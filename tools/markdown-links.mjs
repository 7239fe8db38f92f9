/** Links and headings of Markdown text, for the link check and for the docs site. */

/**
 * The anchor that GitHub gives to a heading. The docs site uses it too, so that a link holds in both.
 * @param {string} heading as text, without Markdown
 */
export function slugOf(heading) {
  return heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M}_\- ]/gu, '')
    .replaceAll(' ', '-');
}

/**
 * Replaces code by spaces: what stands in code is no link, and no heading. Offsets and lines stay.
 * @param {string} markdown
 */
export function withoutCode(markdown) {
  const blank = (/** @type {string} */ code) => code.replace(/[^\n]/g, ' ');
  return markdown
    .replace(/^( *)(```+|~~~+).*\n[\s\S]*?^ *\2.*$/gm, blank)
    .replace(/(`+)(?:(?!\1)[^\n]|\n(?!\n))+?\1/g, blank)
    .replace(/<!--[\s\S]*?-->/g, blank);
}

/**
 * @param {string} markdown
 * @returns {Set<string>} the anchors of its headings and of elements with an id
 */
export function anchorsOf(markdown) {
  const anchors = new Set();
  const bare = withoutCode(markdown);
  for (const { index, 0: line } of bare.matchAll(/^#{1,6} .*$/gm)) {
    // Code in a heading counts: it is read from the text as it was.
    const heading = markdown
      .slice(index, index + line.length)
      .replace(/^#+ /, '')
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .replace(/[`*]/g, '');
    const slug = slugOf(heading);
    let anchor = slug;
    for (let i = 1; anchors.has(anchor); i++) anchor = `${slug}-${i}`;
    anchors.add(anchor);
  }
  for (const [, id] of bare.matchAll(/<\w[^>]*\sid="([^"]+)"/g)) anchors.add(id);
  return anchors;
}

/**
 * @typedef {object} Link
 * @property {string} target as written, without a title
 * @property {number} start of the target in the text
 * @property {number} line counted from 1
 */

/**
 * @param {string} markdown
 * @returns {Link[]} inline links, pictures, reference definitions, `src` and `href`
 */
export function linksOf(markdown) {
  const bare = withoutCode(markdown);
  const kinds = [
    /\]\(<?([^()\s<>]*(?:\([^()\s]*\)[^()\s<>]*)*)>?(?:\s+"[^"]*")?\)/dg,
    /^ {0,3}\[[^\]]+\]:\s+<?([^\s<>]+)>?/dgm,
    /<\w[^>]*\s(?:src|href)="([^"]+)"/dg,
  ];
  return kinds.flatMap((kind) =>
    [...bare.matchAll(kind)].map((match) => {
      const start = match.indices?.[1]?.[0] ?? 0;
      return { target: match[1] ?? '', start, line: bare.slice(0, start).split('\n').length };
    }),
  );
}

/** @param {string} target */
export const isExternal = (target) => /^[a-z][a-z\d+.-]*:|^\/\//i.test(target);
