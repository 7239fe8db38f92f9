import type { ProblemAttributes } from './text-inputs.tsx';

interface FileInputProps extends ProblemAttributes {
  id?: string;
  label?: string;
  file: File | undefined;
  choose(file: File | undefined): void;
}

/** An input for a file that also shows a file that was dropped elsewhere. */
export function FileInput({ label, file, choose, ...attributes }: FileInputProps) {
  return (
    <input
      type="file"
      aria-label={label}
      ref={(input) => {
        if (input && file) showFile(input, file);
      }}
      onChange={({ currentTarget }) => choose(currentTarget.files?.[0])}
      {...attributes}
    />
  );
}

function showFile(input: HTMLInputElement, file: File): void {
  if (input.files?.[0] === file) return;
  const transfer = new DataTransfer();
  transfer.items.add(file);
  input.files = transfer.files;
}
