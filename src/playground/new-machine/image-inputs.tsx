/** The inputs of a field that asks where a disk, CD or kernel comes from. */
import type { FieldControl, ImageOrigin } from '../../protocol/options/option.ts';
import { formatBytes } from '../ui/format.ts';
import { FileInput } from './file-input.tsx';
import type { ImageChoice } from './machine-draft.ts';
import type { ProblemAttributes } from './text-inputs.tsx';

interface ImageInputsProps {
  /** The input that the field's label names has this id. */
  id: string;
  label: string;
  control: FieldControl & { kind: 'image' };
  choice: ImageChoice;
  change(change: Partial<ImageChoice>): void;
  problem: ProblemAttributes;
}

export function ImageInputs({ id, label, control, choice, change, problem }: ImageInputsProps) {
  const { origins, none = 'None', hasRanges = false } = control;
  const { origin, file, url, inRanges, size } = choice;
  const words: Record<ImageOrigin, string> = {
    none,
    file: 'A file of this computer',
    url: 'At an address',
    empty: 'Empty, of a size',
  };
  return (
    <>
      <select
        id={id}
        value={origin}
        onChange={({ currentTarget }) => change({ origin: currentTarget.value as ImageOrigin })}
        {...(origin === 'none' && problem)}
      >
        {origins.map((value) => (
          <option key={value} value={value}>
            {words[value]}
          </option>
        ))}
      </select>
      {origin === 'file' && (
        <FileInput
          label={`File for ${label}`}
          file={file}
          choose={(chosen) => change({ file: chosen })}
          {...problem}
        />
      )}
      {origin === 'file' && file && <span class="fine">{formatBytes(file.size)}</span>}
      {origin === 'url' && (
        <input
          class="long"
          aria-label={`Address for ${label}`}
          placeholder="https://… or a path on this site"
          inputMode="url"
          autocomplete="off"
          value={url}
          onInput={({ currentTarget }) => change({ url: currentTarget.value })}
          {...problem}
        />
      )}
      {origin === 'url' && hasRanges && (
        <label class="fine">
          <input
            type="checkbox"
            checked={inRanges}
            onChange={({ currentTarget }) => change({ inRanges: currentTarget.checked })}
          />{' '}
          fetch only what the guest reads
        </label>
      )}
      {origin === 'empty' && (
        <input
          aria-label={`Size of ${label}, as 512M or 2G`}
          autocomplete="off"
          size={8}
          value={size}
          onInput={({ currentTarget }) => change({ size: currentTarget.value })}
          {...problem}
        />
      )}
    </>
  );
}
