import { beforeAll, expect, test } from 'vitest';
import { compare, folderOf, lowered, rules } from './prose.mjs';
import { ensureChecks } from './setup.mjs';

interface Finding {
  rule: string;
  line: number;
}

let checks: {
  check(text: string, line: number, isComment?: boolean): Finding[];
  checkMarkdown(text: string): Finding[];
  checkSource(text: string, path: string): { comments: Finding[]; texts: Finding[] };
  checkHtml(text: string): Finding[];
};

beforeAll(async () => {
  ensureChecks();
  checks = await rules();
});

const found = (findings: Finding[]) => findings.map(({ rule, line }) => `${rule} ${line}`);
const long = `The keeper ${'really '.repeat(18)}resumes.`;

test('a sentence has at most 20 words; code is one word, and a colon ends an idea', () => {
  expect(found(checks.check(long, 1))).toEqual(['long 1']);
  expect(checks.check(long.replace('really really', 'really'), 1)).toEqual([]);
  expect(checks.check(`${long.slice(0, 60)}: ${long.slice(60)}`, 1)).toEqual([]);
  expect(checks.checkMarkdown(`The command \`${'word '.repeat(30)}\` exits.`)).toEqual([]);
});

test.each([
  'The keeper puts right the clock.',
  'A guest goes on after the update.',
  'Whoever opens it is asked.',
  'The machine shelf lists them.',
  'The guest is brought back.',
])('a word of the riddles is found: %s', (sentence) => {
  expect(found(checks.check(sentence, 3))).toEqual(['word 3']);
});

test('pages: paragraphs, lists and tables are read, code blocks are not', () => {
  const page = ['# Title', '', long, '', '- Nobody asks.', '', '| a |', '|---|', `| ${long} |`];
  expect(found(checks.checkMarkdown(page.join('\n')))).toEqual(['long 3', 'word 5', 'long 9']);
  expect(checks.checkMarkdown(`\`\`\`sh\n${long}\n\`\`\``)).toEqual([]);
});

test('sources: doc comments must not be headless, texts are sentences', () => {
  const source = [
    '/** Of a machine that runs. */',
    'const a = 1;',
    '/** What the page asks. @returns Of what it is. */',
    '/** The machine. */',
    `throw new Error('The machine went away. ' + \`Nobody asked \${a} for it.\`);`,
    "const key = 'nobody';",
    '// What a plain comment says is not read.',
  ].join('\n');
  const { comments, texts } = checks.checkSource(source, 'a.ts');
  expect(found(comments)).toEqual(['headless 1', 'headless 3']);
  expect(found(texts)).toEqual(['word 5']);
  const view = checks.checkSource('const view = <p>Nobody can see this text.</p>;', 'a.tsx');
  expect(found(view.texts)).toEqual(['word 1']);
});

test('sources: an item of a list and a cell of a table are sentences of their own', () => {
  const item = 'It names each of the parts that a machine of this kind has.';
  const list = `/**\n * Parts.\n *\n * - ${item}\n * - ${item}\n */`;
  const table = `/**\n * Parts.\n *\n * | ${item} | ${item} |\n * | ${item} | |\n */`;
  expect(found(checks.checkSource(list, 'a.ts').comments)).toEqual([]);
  expect(found(checks.checkSource(table, 'a.ts').comments)).toEqual([]);
  const prose = table.replaceAll('|', 'or');
  expect(found(checks.checkSource(prose, 'a.ts').comments)).toEqual(['long 1']);
});

test('pages of HTML: texts and titles are read, scripts are not', () => {
  const html = `<p>Good.</p>\n<p title="Nobody sees it">It <b>goes</b> on.</p>\n<script>nobody</script>`;
  expect(found(checks.checkHtml(html))).toEqual(['word 2', 'word 2']);
});

test('the numbers of older prose only go down', () => {
  const allowed = { 'src/a TSDoc': 3, 'src/b TSDoc': 2 };
  expect(compare(allowed, { 'src/a TSDoc': 4, 'docs/c.md': 1 })).toEqual({
    over: ['docs/c.md', 'src/a TSDoc'],
    under: ['src/b TSDoc'],
  });
  expect(lowered(allowed, { 'src/a TSDoc': 9, 'src/b TSDoc': 1, 'docs/c.md': 1 })).toEqual({
    'src/a TSDoc': 3,
    'src/b TSDoc': 1,
  });
  expect(folderOf('src/packages/node/a.ts', 'TSDoc')).toBe('src/packages/node TSDoc');
  expect(folderOf('src/keeper/guest/a.ts', 'texts')).toBe('src/keeper texts');
});
