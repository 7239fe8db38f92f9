import { beforeAll, expect, test } from 'vitest';
import { findingsOf, isProse, rules } from './prose.mjs';
import { ensureChecks } from './setup.mjs';

interface Finding {
  rule: string;
  line: number;
}

let checks: {
  check(text: string, line: number, beginning?: RegExp): Finding[];
  checkMarkdown(text: string): Finding[];
  checkSource(text: string, path: string): { comments: Finding[]; texts: Finding[] };
  checkTitles(text: string, path: string): Finding[];
  checkHtml(text: string): Finding[];
};

beforeAll(async () => {
  ensureChecks();
  checks = await rules();
});

const found = (findings: Finding[]) => findings.map(({ rule, line }) => `${rule} ${line}`);
const foundIn = (comment: string) => found(checks.checkSource(comment, 'a.ts').comments);
const long = `The keeper ${'really '.repeat(18)}resumes.`;
/** A clause of so many words. */
const clause = (words: number) => `the keeper ${'really '.repeat(words - 3)}resumes`;

test('a sentence has at most 20 words, and code is one word', () => {
  expect(found(checks.check(long, 1))).toEqual(['long 1']);
  expect(checks.check(long.replace('really really', 'really'), 1)).toEqual([]);
  expect(checks.checkMarkdown(`The command \`${'word '.repeat(30)}\` exits.`)).toEqual([]);
  expect(found(checks.check(`It is fast. v86 is not. ${long} It ends.`, 1))).toEqual(['long 1']);
  expect(checks.check(`${clause(15)}. v86 ${clause(15)}.`, 1)).toEqual([]);
});

test('a semicolon does not hide a second idea, and separates items of a list', () => {
  expect(checks.check(`${clause(10)}; ${clause(10)}.`, 1)).toEqual([]);
  expect(found(checks.check(`${clause(11)}; ${clause(10)}.`, 1))).toEqual(['long 1']);
  expect(checks.check(`${clause(15)}; ${clause(15)}; ${clause(15)}.`, 1)).toEqual([]);
  expect(found(checks.check(`${clause(15)}; ${clause(21)}; ${clause(15)}.`, 1))).toEqual([
    'long 1',
  ]);
});

test('a colon opens a list of any length, or an explanation of a few words', () => {
  expect(checks.check(`${clause(15)}: ${clause(15)}.`, 1)).toEqual([]);
  expect(found(checks.check(`${clause(15)}: ${clause(16)}.`, 1))).toEqual(['long 1']);
  expect(found(checks.check(`${clause(21)}: ${clause(3)}.`, 1))).toEqual(['long 1']);
  const list = `${clause(15)}: ${'one part, '.repeat(8)}and another.`;
  expect(checks.check(list, 1)).toEqual([]);
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

test.each([
  'The page is told when it ends.',
  'The run state is so again.',
  'The guest comes back after a crash.',
  'A copy is thrown away.',
  'The keys that somebody presses.',
])('a vague word is found in comments and names of tests, not in texts: %s', (sentence) => {
  expect(foundIn(`// ${sentence}`)).toEqual(['word 1']);
  expect(found(checks.checkTitles(`test('${sentence}', run);`, 'a.test.ts'))).toEqual(['word 1']);
  expect(checks.checkSource(`const text = '${sentence}';`, 'a.ts').texts).toEqual([]);
  expect(foundIn('// Two builds are told apart by their ids.')).toEqual([]);
});

test('pages: paragraphs, lists and tables are read, code blocks are not', () => {
  const page = ['# Title', '', long, '', '- Nobody asks.', '', '| a |', '|---|', `| ${long} |`];
  expect(found(checks.checkMarkdown(page.join('\n')))).toEqual(['long 3', 'word 5', 'long 9']);
  expect(checks.checkMarkdown(`\`\`\`sh\n${long}\n\`\`\``)).toEqual([]);
});

test('sources: comments of all kinds must not be headless, texts are sentences', () => {
  const source = [
    '/** Of a machine that runs. */',
    'const a = 1;',
    '/** The machine. */',
    `throw new Error('The machine went away. ' + \`Nobody asked \${a} for it.\`);`,
    "const key = 'nobody';",
    '// What the page asks.',
    'const b = 2; // Those of a page.',
    '/* One that waits. */',
    "const url = 'https://example.org/nobody'; // The address.",
    '// biome-ignore lint: nobody reads this.',
  ].join('\n');
  const { comments, texts } = checks.checkSource(source, 'a.ts');
  expect(found(comments)).toEqual(['headless 1', 'headless 6', 'headless 7', 'headless 8']);
  expect(found(texts)).toEqual(['word 4']);
});

test('sources: line comments below one another are one comment', () => {
  expect(foundIn('// The page\n// of which nobody knows.')).toEqual(['word 1']);
  const half = clause(12);
  expect(foundIn(`// ${half}\n// ${half}.`)).toEqual(['long 1']);
  expect(foundIn(`// ${half}\nconst a = 1;\n// ${half}.`)).toEqual([]);
  expect(foundIn('// The page.\n// What it asks.')).toEqual([]);
});

test('sources: the text after a tag is read, on its own line', () => {
  const comment = [
    '/**',
    ' * Reads it.',
    ' * @param {string} what of a page',
    ' * @param base what addresses are relative to',
    ' * @returns those of the page',
    ' * @throws HoldfastError with the guest going on',
    ' */',
  ].join('\n');
  expect(foundIn(comment)).toEqual(['headless 4', 'headless 5', 'word 6']);
  expect(foundIn(`/** @throws Error ${clause(15)}; ${clause(15)} */`)).toEqual([]);
  expect(foundIn(`/** @throws Error ${clause(21)} */`)).toEqual(['long 1']);
});

test('sources: an item of a list and a cell of a table are sentences of their own', () => {
  const item = 'It names each of the parts that a machine of this kind has.';
  const list = `/**\n * Parts.\n *\n * - ${item}\n * - ${item}\n */`;
  const table = `/**\n * Parts.\n *\n * | ${item} | what |\n * | ${item} | |\n */`;
  expect(foundIn(list)).toEqual([]);
  expect(foundIn(table)).toEqual([]);
  expect(foundIn(`/**\n * ${clause(15)}\n *\n * ${clause(15)}\n */`)).toEqual([]);
  const prose = `/** ${clause(15)} or ${clause(15)} */`;
  expect(foundIn(prose)).toEqual(['long 1']);
});

test('sources: help texts, and texts of elements, are read in lower case too', () => {
  const texts = (source: string, path: string) => found(checks.checkSource(source, path).texts);
  expect(texts("const option = { help: 'nobody sees it' };", 'a.ts')).toEqual(['word 1']);
  expect(texts("const option = { name: 'nobody sees it' };", 'a.ts')).toEqual([]);
  expect(texts('const view = <p>Nobody can see this text.</p>;', 'a.tsx')).toEqual(['word 1']);
  expect(texts('const view = <p>and nobody can see it</p>;', 'a.tsx')).toEqual(['word 1']);
  expect(texts('const view = <p title="what nobody sees" />;', 'a.tsx')).toEqual(['word 1']);
  expect(texts('const view = <p class="nobody-1 a-b c/d" />;', 'a.tsx')).toEqual([]);
  expect(checks.checkSource('const view = <p>See // what https://a.b is</p>;', 'a.tsx')).toEqual({
    comments: [],
    texts: [],
  });
});

test('names of tests: of each form, and no other texts', () => {
  const source = [
    "test('what a page asks', run);",
    "describe('of a page', () => {",
    "  it('nobody asks', { timeout: 1 }, run);",
    '});',
    "test.each([1])('whoever asks %s', run);",
    "test.describe.serial('goes on', run);",
    `test(\`a guest is so again in \${mode}\`, run);`,
    "expect(told, 'nobody').toBe('what nobody says');",
    "test('a page asks', run);",
    "await test.step('what a page asks', run);",
  ].join('\n');
  expect(found(checks.checkTitles(source, 'a.test.ts'))).toEqual([
    'headless 1',
    'headless 2',
    'word 3',
    'headless 5',
    'word 5',
    'word 6',
    'word 7',
  ]);
});

test('pages of HTML: texts and titles are read, scripts are not', () => {
  const html = `<p>Good.</p>\n<p title="Nobody sees it">It <b>goes</b> on.</p>\n<script>nobody</script>`;
  expect(found(checks.checkHtml(html))).toEqual(['word 2', 'word 2']);
});

test('each kind of file is read in its own way', async () => {
  const source = "// What it is.\ntest('nobody asks', () => say('Nobody asks for it.'));";
  const lines = async (path: string) => found(await findingsOf(path, source));
  expect(await lines('src/a.ts')).toEqual(['headless 1', 'word 2']);
  expect(await lines('src/a.test.ts')).toEqual(['headless 1', 'word 2']);
  expect(await lines('src/testing/contract.ts')).toEqual(['headless 1', 'word 2']);
  expect(await lines('e2e/contract.ts')).toEqual(['headless 1', 'word 2']);
  const shipped = "// The guest.\nthrow new Error('Nobody asks for it.');";
  expect(found(await findingsOf('src/a.ts', shipped))).toEqual(['word 2']);
  expect(found(await findingsOf('e2e/a.ts', shipped))).toEqual([]);
  expect(found(await findingsOf('README.md', 'Nobody asks.'))).toEqual(['word 1']);
  const read = ['docs/a.md', 'server/README.md', 'index.html', 'e2e/a.spec.ts', 'tools/a.mjs'];
  expect(read.filter((path) => !isProse(path))).toEqual([]);
  expect(['CHANGELOG.md', 'docs/api/a.md', 'src/a.css'].filter(isProse)).toEqual([]);
});
