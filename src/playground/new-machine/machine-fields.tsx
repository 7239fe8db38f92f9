/** The fields of the New-machine dialog, made from the table of options. */
import type { ComponentChildren } from 'preact';
import type { Boots, OptionField } from '../../protocol/options/option.ts';
import { FileInput } from './file-input.tsx';
import { ImageInputs } from './image-inputs.tsx';
import { type FieldProblem, type ImageField, problemSentence } from './machine-draft.ts';
import { type FormField, formFields, type MachineForm } from './machine-form.ts';
import { type ProblemAttributes, TextInputs } from './text-inputs.tsx';

interface MachineFieldsProps {
  form: MachineForm;
  problems: readonly FieldProblem[];
  v86State: File | undefined;
  setV86State(file: File | undefined): void;
  /** After a change of the form. */
  changed(): void;
}

const bootsWords: readonly (readonly [Boots, string])[] = [
  ['demo', 'The demo Linux'],
  ['drives', 'From a CD, disk or floppy'],
  ['kernel', 'A Linux kernel (bzImage)'],
  ['multiboot', 'A Multiboot kernel'],
];

export function MachineFields({ form, problems, changed, ...props }: MachineFieldsProps) {
  const problemsOf = (key: string) => problems.filter(({ field }) => fieldOf(field) === key);
  const fieldsAt = (place: OptionField['place']) =>
    formFields
      .filter(({ field }) => field.place === place)
      .map((entry) => (
        <OptionRow
          key={entry.key}
          entry={entry}
          form={form}
          problems={problemsOf(entry.key)}
          changed={changed}
        />
      ));
  return (
    <div class="fields">
      {fieldsAt('top')}
      <Row name="boots" label="Boots" problems={problemsOf('boots')}>
        {(id, problem) => (
          <select
            id={id}
            value={form.boots}
            onChange={({ currentTarget }) => {
              form.chooseBoots(currentTarget.value as Boots);
              changed();
            }}
            {...problem}
          >
            {bootsWords.map(([value, words]) => (
              <option key={value} value={value}>
                {words}
              </option>
            ))}
          </select>
        )}
      </Row>
      {fieldsAt(undefined)}
      <details>
        <summary>Advanced</summary>
        <Row
          name="v86State"
          label="State of v86"
          hint="restores what v86 saved of a machine with these devices and drives, instead of booting; also as .zst"
        >
          {(id) => <FileInput id={id} file={props.v86State} choose={props.setV86State} />}
        </Row>
        {fieldsAt('advanced')}
      </details>
    </div>
  );
}

/** The field that shows a problem. A problem of no field is shown at the boot choice. */
const fieldOf = (name: string): string =>
  formFields.some(({ key }) => key === name) ? name : 'boots';

/** Whether a problem is shown where it may be folded away. */
export const isAdvanced = ({ field: name }: FieldProblem): boolean =>
  formFields.some(({ key, field }) => key === name && field.place === 'advanced');

/** Preact's types do not know the attribute. */
const folderPicker = { type: 'file', webkitdirectory: true } as const;

interface OptionRowProps {
  entry: FormField;
  form: MachineForm;
  problems: readonly FieldProblem[];
  changed(): void;
}

function OptionRow({ entry, form, problems, changed }: OptionRowProps) {
  const { key, option, field } = entry;
  const { label, name = label, hint, control } = field;
  return (
    <Row
      name={key}
      label={name}
      caption={label}
      hint={hint}
      problems={problems}
      isHidden={!form.shows(field)}
    >
      {(id, attributes) => {
        if (control.kind === 'folder')
          return (
            <input
              id={id}
              {...folderPicker}
              onChange={({ currentTarget }) => {
                form.folder = [...(currentTarget.files ?? [])];
              }}
              {...attributes}
            />
          );
        if (control.kind === 'image')
          return (
            <ImageInputs
              id={id}
              label={label}
              control={control}
              choice={form.image(option as ImageField)}
              change={(change) => {
                form.setImage(option as ImageField, change);
                changed();
              }}
              problem={attributes}
            />
          );
        return (
          <TextInputs
            id={id}
            control={control}
            text={form.text(key)}
            setText={(text) => {
              form.setText(key, text);
              changed();
            }}
            problem={attributes}
          />
        );
      }}
    </Row>
  );
}

interface RowProps {
  name: string;
  /** Label in messages. */
  label: string;
  /** Label before the input, if that is another. */
  caption?: string;
  hint?: string | undefined;
  problems?: readonly FieldProblem[];
  isHidden?: boolean;
  children(id: string, problem: ProblemAttributes): ComponentChildren;
}

function Row(props: RowProps) {
  const { name, label, caption = label, hint, problems = [], isHidden, children } = props;
  const id = `new-machine-${name}`;
  const problemId = `${id}-problem`;
  const attributes: ProblemAttributes =
    problems.length > 0 ? { 'aria-invalid': 'true', 'aria-describedby': problemId } : {};
  return (
    <div class="field" data-label={label} hidden={isHidden}>
      <label for={id}>{caption}</label>
      <div class="field-inputs">
        {children(id, attributes)}
        {hint && <span class="fine">{hint}</span>}
      </div>
      {problems.length > 0 && (
        <p id={problemId} class="field-error">
          {problems.map((problem) => problemSentence(label, problem)).join(' ')}
        </p>
      )}
    </div>
  );
}
