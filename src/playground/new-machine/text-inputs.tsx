/** The inputs of a field that stands for a text, as the table of options describes them. */
import type { ChoiceTarget, FieldControl } from '../../protocol/options/option.ts';
import { targetParts } from './machine-form.ts';

/** Attributes of the input that a field's problem is about. */
export interface ProblemAttributes {
  'aria-invalid'?: 'true';
  'aria-describedby'?: string;
}

interface InputsProps<K extends FieldControl['kind']> {
  /** The input that the field's label names has this id. */
  id: string;
  control: FieldControl & { kind: K };
  text: string;
  setText(text: string): void;
  problem: ProblemAttributes;
}

export type TextKind = Exclude<FieldControl['kind'], 'image' | 'folder'>;

export function TextInputs({ control, ...props }: InputsProps<TextKind>) {
  switch (control.kind) {
    case 'text':
      return <Line control={control} {...props} />;
    case 'choice':
      return <Choice control={control} {...props} />;
    case 'checkbox':
      return <Checkbox control={control} {...props} />;
    case 'target':
      return <ChoiceWithTarget control={control} {...props} />;
  }
}

function Line({ id, control, text, setText, problem }: InputsProps<'text'>) {
  const { size, placeholder, unit, isNumber, maxLength } = control;
  return (
    <>
      <input
        id={id}
        class={size === undefined ? 'long' : ''}
        value={text}
        size={size}
        maxLength={maxLength}
        placeholder={placeholder}
        inputMode={isNumber ? 'numeric' : undefined}
        onInput={({ currentTarget }) => setText(currentTarget.value)}
        {...verbatim}
        {...problem}
      />
      {unit}
    </>
  );
}

/** Turns off changes that a browser or a phone makes to text. */
const verbatim = { autocomplete: 'off', autocapitalize: 'off', spellcheck: false } as const;

function Choice({ id, control, text, setText, problem }: InputsProps<'choice'>) {
  return (
    <select
      id={id}
      value={text}
      onChange={({ currentTarget }) => setText(currentTarget.value)}
      {...problem}
    >
      {control.choices.map(([value, words]) => (
        <option key={value} value={value}>
          {words}
        </option>
      ))}
    </select>
  );
}

function Checkbox({ id, control, text, setText }: InputsProps<'checkbox'>) {
  return (
    <label class="fine">
      <input
        id={id}
        type="checkbox"
        checked={text === 'on'}
        onChange={({ currentTarget }) => setText(currentTarget.checked ? 'on' : '')}
      />{' '}
      {control.words}
    </label>
  );
}

function ChoiceWithTarget({ id, control, text, setText, problem }: InputsProps<'target'>) {
  const [kind, target] = targetParts(text);
  const targetOf = (value: string): ChoiceTarget | undefined =>
    control.choices.find(([choice]) => choice === value)?.[2];
  const taken = targetOf(kind);
  const choose = (value: string) =>
    setText(targetOf(value) && target ? `${value}:${target}` : value);
  return (
    <>
      <select
        id={id}
        value={kind}
        onChange={({ currentTarget }) => choose(currentTarget.value)}
        {...(!taken && problem)}
      >
        {control.choices.map(([value, words]) => (
          <option key={value} value={value}>
            {words}
          </option>
        ))}
      </select>
      {taken && (
        <input
          class="long"
          aria-label={control.label}
          value={target}
          placeholder={taken.placeholder}
          onInput={({ currentTarget }) => setText(`${kind}:${currentTarget.value}`)}
          {...verbatim}
          {...problem}
        />
      )}
    </>
  );
}
