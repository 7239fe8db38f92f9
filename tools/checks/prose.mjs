/** Finds sentences that a stranger stumbles over. See prose-rules.mjs. */
import { fromMarkdown } from 'mdast-util-from-markdown';
import { gfmFromMarkdown } from 'mdast-util-gfm';
import { toString as textOf } from 'mdast-util-to-string';
import { gfm } from 'micromark-extension-gfm';
import ts from 'typescript';
import {
  forbidden,
  headless,
  headlessTag,
  longestWithColon,
  longestWords,
  vague,
} from './prose-rules.mjs';

/** @typedef {{ rule: 'long' | 'word' | 'headless', line: number, text: string, advice: string }} Finding */

const segmenter = new Intl.Segmenter('en', { granularity: 'sentence' });

/**
 * @param {string} text plain; an empty line ends a sentence
 * @param {number} line where it begins
 * @param {RegExp} [beginning] of a comment or the name of a test, which must not begin like this
 * @returns {Finding[]}
 */
export function check(text, line, beginning) {
  return text
    .split(/\n\s*\n/)
    .map((block) => block.replaceAll(/\s+/g, ' ').trim())
    .flatMap((block) => checkBlock(block, line, beginning));
}

/**
 * @param {string} plain
 * @param {number} line
 * @param {RegExp | undefined} beginning
 */
function checkBlock(plain, line, beginning) {
  /** @type {Finding[]} */
  const found = [];
  const add = (
    /** @type {Finding['rule']} */ rule,
    /** @type {string} */ of,
    /** @type {string} */ advice,
  ) => found.push({ rule, line, text: clip(of), advice });
  // A word alone is the cell of a table.
  if (plain.includes(' ') && beginning?.test(plain))
    add('headless', plain, 'begin with the noun or the verb');
  for (const segment of sentencesOf(plain)) {
    const longest = Math.max(...ideasOf(segment).map(countWords));
    const all = countWords(segment);
    if (longest > longestWords) add('long', segment, `${longest} words, at most ${longestWords}`);
    else if (all > longestWithColon && !isList(segment))
      add('long', segment, `${all} words with a colon, at most ${longestWithColon}`);
    for (const { words: pattern, write } of beginning ? [...forbidden, ...vague] : forbidden) {
      const hit = new RegExp(pattern, 'i').exec(segment);
      if (hit) add('word', segment, `"${hit[0]}": ${write}`);
    }
  }
  return found;
}

/**
 * The segmenter ends no sentence before a small letter, as that of v86.
 * @param {string} plain
 */
const sentencesOf = (plain) =>
  [...segmenter.segment(plain)].flatMap(({ segment }) =>
    segment.split(/(?<=[\p{L}\p{N})]{2}\.) /u),
  );

/**
 * The parts of a sentence that stand alone: a colon opens an explanation or a list. A single semicolon
 * only hides a second sentence. Several separate the items of a list.
 * @param {string} sentence
 */
const ideasOf = (sentence) => sentence.split(/; .*; /.test(sentence) ? /[:;] (?=\S)/ : /: (?=\S)/);

/**
 * Whether it is a list, which may be long.
 * @param {string} sentence
 */
const isList = (sentence) => /; .*; |: .*[,;] .*[,;] /.test(sentence);

/**
 * Several names in a row count as one.
 * @param {string} text
 */
const countWords = (text) =>
  text.replaceAll(/\bCode(, Code\b)+/g, 'Code').match(/[\p{L}\p{N}][\p{L}\p{N}'’.,:/_-]*/gu)
    ?.length ?? 0;

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
 * Code, and a path that is linked, counts as one word.
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
 * The comments of a file, and the texts that it shows or throws.
 * @param {string} source
 * @param {string} path
 * @returns {{ comments: Finding[], texts: Finding[] }}
 */
export function checkSource(source, path) {
  const file = parse(source, path);
  /** @type {Finding[]} */
  const texts = [];
  visit(file, false);
  return { comments: commentsOf(file).flatMap(checkComment), texts };

  /**
   * @param {ts.Node} node
   * @param {boolean} isHelp whether it is the text of a `help` property
   */
  function visit(node, isHelp) {
    const text = literalText(node);
    if (text !== undefined && (isHelp || isSentence(text, path)))
      texts.push(...check(text, lineOf(file, node.getStart())));
    else
      ts.forEachChild(node, (child) =>
        visit(child, isHelp || (ts.isPropertyAssignment(node) && node.name.getText() === 'help')),
      );
  }
}

/**
 * The names of the tests in a file.
 * @param {string} source
 * @param {string} path
 * @returns {Finding[]}
 */
export function checkTitles(source, path) {
  const file = parse(source, path);
  /** @type {Finding[]} */
  const found = [];
  visit(file);
  return found;

  /** @param {ts.Node} node */
  function visit(node) {
    if (ts.isCallExpression(node) && isTestCall(node.expression)) {
      const [title] = node.arguments;
      const text = title && literalText(title);
      if (title && text !== undefined)
        found.push(...check(text, lineOf(file, title.getStart()), headless));
    }
    ts.forEachChild(node, visit);
  }
}

/**
 * `test`, `describe`, `test.each(...)`, `test.describe.serial` and the like.
 * @param {ts.Expression} callee
 * @returns {boolean}
 */
function isTestCall(callee) {
  if (ts.isIdentifier(callee)) return /^(test|it|describe|\w+Test)$/.test(callee.text);
  if (ts.isPropertyAccessExpression(callee))
    return !/^(step|use|each|for|extend)$/.test(callee.name.text) && isTestCall(callee.expression);
  // A call that makes a test, such as test.each(...).
  if (ts.isCallExpression(callee) && ts.isPropertyAccessExpression(callee.expression))
    return isTestCall(callee.expression.expression);
  return ts.isTaggedTemplateExpression(callee) && isTestCall(callee.tag);
}

/**
 * @param {string} source
 * @param {string} path
 */
const parse = (source, path) => ts.createSourceFile(path, source, ts.ScriptTarget.Latest, true);

/**
 * @param {ts.SourceFile} file
 * @param {number} at
 */
const lineOf = (file, at) => file.getLineAndCharacterOfPosition(at).line + 1;

/** @typedef {{ text: string, line: number, isDoc: boolean }} Comment */

/**
 * The comments of a file. Line comments below one another are one comment.
 * @param {ts.SourceFile} file
 * @returns {Comment[]}
 */
function commentsOf(file) {
  const { text } = file;
  /** @type {Map<number, ts.CommentRange>} */
  const ranges = new Map();
  visit(file);
  /** @type {Comment[]} */
  const comments = [];
  let [endLine, column] = [-1, -1];
  for (const { pos, end, kind } of [...ranges.values()].sort((a, b) => a.pos - b.pos)) {
    const raw = text.slice(pos, end);
    const { line, character } = file.getLineAndCharacterOfPosition(pos);
    const last = comments.at(-1);
    const isLine = kind === ts.SyntaxKind.SingleLineCommentTrivia;
    if (isLine && last && endLine === line - 1 && column === character)
      last.text += `\n${raw.slice(2)}`;
    else if (isLine) comments.push({ text: raw.slice(2), line: line + 1, isDoc: false });
    else comments.push({ text: inner(raw), line: line + 1, isDoc: raw.startsWith('/**') });
    [endLine, column] = isLine ? [line, character] : [-1, -1];
  }
  return comments;

  /** @param {ts.Node} node */
  function visit(node) {
    const children = node.getChildren(file).filter((child) => !ts.isJSDoc(child));
    // The text of an element has no comments, even if it has the characters of one.
    if (children.length === 0 && node.kind !== ts.SyntaxKind.JsxText) {
      const leading = ts.getLeadingCommentRanges(text, node.pos) ?? [];
      const trailing = ts.getTrailingCommentRanges(text, node.pos) ?? [];
      for (const range of [...trailing, ...leading])
        if (range.end <= node.getStart(file)) ranges.set(range.pos, range);
    }
    for (const child of children) visit(child);
  }
}

/** @param {string} raw a block comment */
const inner = (raw) => raw.replace(/^\/\*+|\*+\/$/g, '').replaceAll(/^[ \t]*\* ?/gm, '');

/**
 * @param {Comment} comment
 * @returns {Finding[]}
 */
function checkComment({ text, line, isDoc }) {
  // A comment to a tool is no prose.
  if (/^\s*(biome-ignore|@ts-|@vite-ignore|\/ <|#__PURE__|v8 ignore)/.test(text)) return [];
  const [prose = '', ...tags] = isDoc ? text.split(/^\s*@(?=[a-z])/m) : [text];
  return [
    ...check(plainComment(prose), line, headless),
    ...tags.flatMap((tag) => {
      // The name of the tag, the type, and the name of the parameter.
      const note = tag.replace(/^(param|typeParam)\s+(\{.*?\}\s+)?\S+|^\w+(\s+\{.*?\})?/s, '');
      const at = line + text.slice(0, text.indexOf(tag)).split('\n').length - 1;
      // A list of errors or of a parameter's values, not sentences.
      return check(plainComment(note).replaceAll('; ', '\n\n'), at, headlessTag);
    }),
  ];
}

/**
 * Code is one word. An item of a list and a cell of a table are sentences of their own.
 * @param {string} comment
 */
const plainComment = (comment) =>
  comment
    .replaceAll(/`[^`]*`|\{@link[^}]*\}/g, 'Code')
    .replaceAll(/^\s*\|.*/gm, (row) => row.replaceAll('; ', '\n\n'))
    .replaceAll(/\n\s*-|\s*\|/g, '\n\n');

/**
 * Sentences only: a key, a class or a path is no prose.
 * @param {string} text
 * @param {string} path
 */
function isSentence(text, path) {
  if (/^["“\p{Lu}].* .* /u.test(text)) return true;
  // A part of a text between elements, which may begin in lower case.
  return path.endsWith('.tsx') && /^[\p{L}\s'’,.;:()-]+( [\p{L}'’,.;:()-]+){2}$/u.test(text);
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
