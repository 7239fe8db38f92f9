/** What only whoever reports a failure needs: folded away, and copied by a button. */
import { button, create } from '../ui/element.ts';

export function foldedDetail(text: string): HTMLDetailsElement {
  const copy = button('Copy', async () => {
    copy.textContent = (await copied(text)) ? 'Copied' : 'Select the text to copy it';
  });
  return create('details', {
    class: 'notice-folded',
    children: [create('summary', { text: 'Details for a report' }), create('pre', { text }), copy],
  });
}

/** Not everywhere may a page write to the clipboard. */
async function copied(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
