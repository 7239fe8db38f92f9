/**
 * Resolves names for a guest on a wisp network by DNS over HTTPS (RFC 8484). The resolver of v86
 * sends the page's cookies and accepts answers of any length. It also leaves a promise unhandled.
 * In Node, that ends the guest's thread if the server is unreachable.
 */
import { nameServerUrl } from '../../protocol/reach.ts';
import { boundedBody } from '../disks/bounded-body.ts';
import { asStranger } from './guest-fetch.ts';

/** Limit of concurrent lookups: further ones of a flooding guest are dropped. */
const atOnce = 32;
/** The longest accepted answer of a name server: the size of one Ethernet frame. */
const answerLimit = 1472;
const answerMs = 10_000;

const ethernet = 14;
const [udpProtocol, dnsPort] = [17, 53];
const [ipHeader, udpHeader] = [20, 8];

/** @returns a function that takes a frame of the guest and returns true if it was a question */
export function nameLookups(
  server: string | undefined,
  toGuest: (frame: Uint8Array<ArrayBuffer>) => void,
): (frame: Uint8Array) => boolean {
  const url = nameServerUrl(server);
  let underWay = 0;
  const ask = async (frame: Uint8Array, question: Uint8Array<ArrayBuffer>) => {
    underWay++;
    try {
      const response = await fetch(url, {
        ...asStranger,
        method: 'POST',
        headers: { 'content-type': 'application/dns-message' },
        body: question,
        signal: AbortSignal.timeout(answerMs),
      });
      const answer = response.ok ? await boundedBody(response, answerLimit) : undefined;
      if (answer) toGuest(answerFrame(frame, answer));
      else await response.body?.cancel();
    } catch {
      // No answer, as from an unreachable name server: the guest asks again.
    } finally {
      underWay--;
    }
  };
  return (frame) => {
    const question = questionOf(frame);
    if (!question) return false;
    if (underWay < atOnce) void ask(frame, question);
    return true;
  };
}

/** Returns the contents of the UDP packet that the guest sent to port 53. */
function questionOf(frame: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  if (frame.length < ethernet + ipHeader + udpHeader) return undefined;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const isIPv4 = view.getUint16(12) === 0x0800 && view.getUint8(ethernet) >> 4 === 4;
  const udp = ethernet + (view.getUint8(ethernet) & 15) * 4;
  if (!isIPv4 || view.getUint8(ethernet + 9) !== udpProtocol) return undefined;
  if (udp + udpHeader > frame.length || view.getUint16(udp + 2) !== dnsPort) return undefined;
  const end = udp + view.getUint16(udp + 4);
  return frame.slice(udp + udpHeader, Math.min(end, frame.length));
}

/** Returns a frame from the guest's name server to the sender of the question. */
function answerFrame(question: Uint8Array, answer: Uint8Array): Uint8Array<ArrayBuffer> {
  const udp = ethernet + ipHeader;
  const frame = new Uint8Array(udp + udpHeader + answer.length);
  const view = new DataView(frame.buffer);
  const asked = new DataView(question.buffer, question.byteOffset, question.byteLength);
  const askedUdp = ethernet + (asked.getUint8(ethernet) & 15) * 4;
  frame.set(question.subarray(6, 12), 0);
  frame.set(question.subarray(0, 6), 6);
  view.setUint16(12, 0x0800);
  view.setUint8(ethernet, 0x45);
  view.setUint16(ethernet + 2, ipHeader + udpHeader + answer.length);
  view.setUint8(ethernet + 8, 64);
  view.setUint8(ethernet + 9, udpProtocol);
  frame.set(question.subarray(ethernet + 16, ethernet + 20), ethernet + 12);
  frame.set(question.subarray(ethernet + 12, ethernet + 16), ethernet + 16);
  view.setUint16(ethernet + 10, headerChecksum(view));
  view.setUint16(udp, asked.getUint16(askedUdp + 2));
  view.setUint16(udp + 2, asked.getUint16(askedUdp));
  // UDP over IPv4 needs no checksum (RFC 768).
  view.setUint16(udp + 4, udpHeader + answer.length);
  frame.set(answer, udp + udpHeader);
  return frame;
}

/** RFC 791, section 3.1. */
function headerChecksum(view: DataView): number {
  let sum = 0;
  for (let at = ethernet; at < ethernet + ipHeader; at += 2) sum += view.getUint16(at);
  while (sum >>> 16) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
