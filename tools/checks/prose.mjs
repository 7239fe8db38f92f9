/** Finds sentences that a stranger stumbles over. See prose-rules.mjs. */
import { fromMarkdown } from 'mdast-util-from-markdown';
import { gfmFromMarkdown } from 'mdast-util-gfm';
import { toString as textOf } from 'mdast-util-to-string';
import { gfm } from 'micromark-extension-gfm';
import ts from 'typescript';
import { forbidden, headless, longestWords } from './prose-rules.mjs';

/** @typedef {{ rule: 'long' | 'word' | 'headless', line: number, text: string, advice: string }} Finding */

const segmenter = new Intl.Segmenter('en', { granularity: 'sentence' });

/**
 * @param {string} text plain
 * @param {number} line where it begins
 * @param {boolean} [isComment] whether it must begin with a noun or a verb
 * @returns {Finding[]}
 */
export function check(text, line, isComment = false) {
  const plain = text.replaceAll(/\s+/g, ' ').trim();
  const found = [];
  if (isComment && headless.test(plain))
    found.push({
      rule: 'headless',
      line,
      text: clip(plain),
      advice: 'begin with the noun or the verb',
    });
  for (const sentence of sentences(plain)) {
    const words = sentence.match(/[\p{L}\p{N}][\p{L}\p{N}'’.,:/_-]*/gu)?.length ?? 0;
    if (words > longestWords)
      found.push({
        rule: 'long',
        line,
        text: clip(sentence),
        advice: `${words} words, at most ${longestWords}`,
      });
    for (const { words: pattern, write } of forbidden) {
      const hit = new RegExp(pattern, 'i').exec(sentence);
      if (hit)
        found.push({ rule: 'word', line, text: clip(sentence), advice: `"${hit[0]}": ${write}` });
    }
  }
  return found;
}

/** @param {string} plain */
function sentences(plain) {
  // A colon or semicolon that joins two clauses ends an idea, too.
  return [...segmenter.segment(plain)].flatMap(({ segment }) => segment.split(/[;:] (?=\S)/));
}

/** @param {string} text */
const clip = (text) => (text.length > 90 ? `${text.slice(0, 87)}...` : text);

/**
 * Paragraphs, list items and table cells of a page; code is left out.
 * @param {string} markdown
 * @returns {Finding[]}
 */
export function checkMarkdown(markdown) {
  const body = markdown.replace(/^---\n[\s\S]*?\n---\n/, (front) => front.replace(/[^\n]/g, ''));
  const tree = fromMarkdown(body, { extensions: [gfm()], mdastExtensions: [gfmFromMarkdown()] });
  /** @type {Finding[]} */
  const found = [];
  visit(tree);
  return found;

  /** @param {any} node */
  function visit(node) {
    if (node.type === 'paragraph' || node.type === 'heading' || node.type === 'tableCell') {
      found.push(...check(textOf(withoutCode(node)), node.position.start.line));
    } else if (node.children) node.children.forEach(visit);
  }
}

/**
 * Code, and a path that is linked, counts as one word, whatever stands in it.
 * @param {any} node
 * @returns {any}
 */
function withoutCode(node) {
  const isPath = node.type === 'link' && /^[\w./-]+\.\w+$/.test(textOf(node));
  // With a capital, since it may begin a sentence.
  if (node.type === 'inlineCode' || isPath) return { type: 'text', value: 'Code' };
  return node.children ? { ...node, children: node.children.map(withoutCode) } : node;
}

/**
 * The doc comments of a file, and the texts that it shows or throws.
 * @param {string} source
 * @param {string} path
 * @returns {{ comments: Finding[], texts: Finding[] }}
 */
export function checkSource(source, path) {
  const file = ts.createSourceFile(path, source, ts.ScriptTarget.Latest, true);
  const lineOf = (/** @type {number} */ at) => file.getLineAndCharacterOfPosition(at).line + 1;
  /** @type {Finding[]} */
  const comments = [];
  /** @type {Finding[]} */
  const texts = [];
  for (const { index, 0: comment } of source.matchAll(/\/\*\*[\s\S]*?\*\//g)) {
    const inner = comment.slice(3, -2).replaceAll(/^\s*\* ?/gm, '');
    // Tags are notes on parameters, not sentences.
    const [prose = ''] = inner.split(/^\s*@/m);
    // An item of a list and a cell of a table are sentences of their own.
    const plain = prose
      .replaceAll(/`[^`]*`|\{@link[^}]*\}/g, 'Code')
      .replaceAll(/\n\s*-|\s*\|/g, '; ');
    comments.push(...check(plain, lineOf(index), true));
  }
  visit(file);
  return { comments, texts };

  /** @param {ts.Node} node */
  function visit(node) {
    const text = literalText(node);
    // Sentences only: a key, a class or a path is no prose.
    if (text !== undefined && /^["“\p{Lu}].* .* /u.test(text))
      texts.push(...check(text, lineOf(node.getStart())));
    else ts.forEachChild(node, visit);
  }
}

/**
 * @param {ts.Node} node
 * @returns {string | undefined}
 */
function literalText(node) {
  if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) return node.text;
  if (ts.isJsxText(node)) return node.text.trim();
  if (ts.isTemplateExpression(node))
    return node.head.text + node.templateSpans.map(({ literal }) => `x${literal.text}`).join('');
  if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.PlusToken) {
    const [left, right] = [literalText(node.left), literalText(node.right)];
    return left === undefined || right === undefined ? undefined : left + right;
  }
  return undefined;
}

/**
 * The texts of a page.
 * @param {string} html
 * @returns {Finding[]}
 */
export function checkHtml(html) {
  const blank = (/** @type {string} */ part) => part.replaceAll(/[^\n]/g, ' ');
  const body = html.replaceAll(/<!--[\s\S]*?-->|<(script|style)[\s\S]*?<\/\1>/g, blank);
  const inline = body.replaceAll(/<\/?(a|b|code|em|i|kbd|small|strong)\b[^>]*>/g, '');
  return [
    ...inline.matchAll(/>([^<]+)</g),
    ...body.matchAll(/(?:title|placeholder|aria-label)="([^"]+)"/g),
  ]
    .filter(([, text = '']) => text.trim() !== '')
    .flatMap((match) => check(match[1] ?? '', html.slice(0, match.index).split('\n').length));
}
