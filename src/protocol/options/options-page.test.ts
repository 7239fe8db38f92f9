/** docs/options.md is derived from the table: `npx vitest run src/protocol/options --update` writes it anew. */
import { expect, test } from 'vitest';
import type { MachineOption } from './option.ts';
import { optionNames, optionTable } from './option-table.ts';

const inFile: Record<MachineOption['inStateFile'], string | undefined> = {
  required: undefined,
  optional: undefined,
  known: 'state files: where the build that opens it knows the value',
  never: 'not in state files',
};

const cell = (text: string) => text.replaceAll('|', '\\|');

function row(name: (typeof optionNames)[number]): string {
  const { help, allowed, url = [], fields = [], inStateFile } = optionTable[name];
  const cells = [
    `\`${name}\``,
    `${help}. May be ${allowed}.`,
    [
      url.length > 0 && `address: ${url.map((one) => `\`${one.name}\``).join(', ')}`,
      fields.length > 0 && `dialog: ${fields.map(({ label }) => label).join(', ')}`,
      inFile[inStateFile],
    ]
      .filter(Boolean)
      .join('<br>'),
  ];
  return `| ${cells.map(cell).join(' | ')} |`;
}

const page = `# Machine options

<!-- Derived from src/protocol/options/option-table.ts by options-page.test.ts. Edit that table, then run \`npx vitest run src/protocol/options --update\`. -->

A machine has the same options everywhere:

- in the API, as members of \`MachineOptions\`
- on \`<holdfast-guest>\`, as attributes of the same names in lower case: \`memorymib="256"\`
- in the address of the playground, under v86's names where v86 has one: \`?m=256\`
- in the New-machine dialog of the playground
- in a state file, unless the option belongs to the browser that runs the machine

One check stands behind all of them.

| option | meaning | elsewhere |
|---|---|---|
${optionNames.map(row).join('\n')}
`;

test('docs/options.md says what the table of options says', async () => {
  await expect(page).toMatchFileSnapshot('../../../docs/options.md');
});
