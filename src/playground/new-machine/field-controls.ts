/** The inputs of a field that stand for a text, as the table of options describes them. */
import type { ChoiceTarget, FieldControl } from '../../protocol/options/option.ts';
import { create } from '../ui/element.ts';

export interface TextControl {
  /** The first of them is what the field's label is for, or a label around that. */
  inputs: (HTMLElement | Text)[];
  /** As an attribute of the element has it; empty: nothing is chosen. */
  text: string;
  /** After its form was reset. */
  reset?(): void;
}

type ControlOf<K extends FieldControl['kind']> = FieldControl & { kind: K };

/** @returns undefined for a control that stands for files */
export function textControl(control: FieldControl): TextControl | undefined {
  switch (control.kind) {
    case 'text':
      return lineOfText(control);
    case 'choice':
      return choice(control.choices);
    case 'checkbox':
      return checkbox(control);
    case 'target':
      return choiceWithTarget(control);
    case 'image':
    case 'folder':
      return undefined;
  }
}

function plainInput(): HTMLInputElement {
  const input = create('input');
  input.autocomplete = 'off';
  return input;
}

function freeText(): HTMLInputElement {
  const input = plainInput();
  input.className = 'long';
  input.autocapitalize = 'off';
  input.spellcheck = false;
  return input;
}

function lineOfText(control: ControlOf<'text'>): TextControl {
  const { value = '', size, placeholder = '', unit, isNumber, isVerbatim, maxLength } = control;
  const input = size === undefined ? freeText() : plainInput();
  input.defaultValue = value;
  input.placeholder = placeholder;
  if (size !== undefined) input.size = size;
  if (maxLength !== undefined) input.maxLength = maxLength;
  if (isNumber) input.inputMode = 'numeric';
  return {
    inputs: [input, ...(unit === undefined ? [] : [document.createTextNode(unit)])],
    get text() {
      return isVerbatim ? input.value : input.value.trim();
    },
    set text(text) {
      input.value = text;
    },
  };
}

function selectOf(choices: ControlOf<'choice'>['choices'] | ControlOf<'target'>['choices']) {
  return create('select', {
    children: choices.map(([value, text]) => {
      const option = create('option', { text });
      option.value = value;
      return option;
    }),
  });
}

function choice(choices: ControlOf<'choice'>['choices']): TextControl {
  const select = selectOf(choices);
  return {
    inputs: [select],
    get text() {
      return select.value;
    },
    set text(text) {
      select.value = text;
    },
  };
}

function checkbox({ words }: ControlOf<'checkbox'>): TextControl {
  const input = create('input');
  input.type = 'checkbox';
  const label = create('label', { class: 'fine' });
  label.append(input, ` ${words}`);
  return {
    inputs: [label],
    get text() {
      return input.checked ? 'on' : '';
    },
    set text(text) {
      input.checked = text === 'on';
    },
  };
}

function choiceWithTarget({ label, choices }: ControlOf<'target'>): TextControl {
  const select = selectOf(choices);
  const input = freeText();
  input.setAttribute('aria-label', label);
  const targets = new Map<string, ChoiceTarget | undefined>(
    choices.map(([value, , target]) => [value, target]),
  );
  const reset = () => {
    const target = targets.get(select.value);
    input.hidden = target === undefined;
    input.placeholder = target?.placeholder ?? '';
  };
  select.addEventListener('change', reset);
  reset();
  return {
    inputs: [select, input],
    get text() {
      const target = input.hidden ? '' : input.value.trim();
      return target ? `${select.value}:${target}` : select.value;
    },
    set text(text) {
      const [kind = '', ...target] = text.split(':');
      select.value = kind;
      input.value = target.join(':');
      reset();
    },
    reset,
  };
}
