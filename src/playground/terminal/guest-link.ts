/** Links that a guest wrote into its terminal (OSC 8). Their text need not show their target. */
import { askApproval } from '../ui/approval.tsx';

/** The target of a link; undefined for other addresses than those of the web. */
export function guestLink(address: string): { host: string; href: string } | undefined {
  const url = URL.parse(address);
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:')) return undefined;
  // A user name in the URL could be read as its host.
  if (url.username || url.password) return undefined;
  return { host: url.host, href: url.href };
}

/** Shows the host and asks. Opens the link in a window without access to this page. */
export async function openGuestLink(address: string): Promise<void> {
  const link = guestLink(address);
  if (!link) return;
  const yes = await askApproval({
    title: 'Leave for a link of the guest?',
    text: 'What runs in the machine wrote this link. It opens in another tab.',
    items: [
      { what: 'Site', value: link.host },
      { what: 'Address', value: link.href },
    ],
    ok: 'Open',
  });
  if (yes) window.open(link.href, '_blank', 'noopener,noreferrer');
}
