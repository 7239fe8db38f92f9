#!/usr/bin/env python3
"""Writes src/pc/known-glyphs.ts: which characters the glyphs of common text fonts are.

Needs Debian 12's packages kbd, console-data and console-setup-linux, and public/firmware/vgabios.bin. Of a
glyph only a digest is kept, 24 bits of FNV-1a over its rows without the empty ones at its end.

    python3 tools/fonts/known-glyphs.py
"""
import base64
import collections
import gzip
import pathlib
import re
import struct

root = pathlib.Path(__file__).resolve().parents[2]
fonts = pathlib.Path('/usr/share/consolefonts')
# Not lat9u: it labels the characters of ISO 8859-15 as those of 8859-1.
wanted = re.compile(
    r'^(?:\w+-(?:VGA(?:8|14|16)|Fixed16|Terminus(?:Bold)?16|TerminusBoldVGA16)'
    r'|lat[01247][au]?-(?:08|14|16)|lat9[vw]-(?:08|14|16)|iso\d\d\.f(?:08|14|16)|cp\d+-8x(?:8|14|16)'
    r'|koi8-8x(?:8|14|16)|default8x16)\.psf\.gz$'
)

low = '\0☺☻♥♦♣♠•◘○◙♂♀♪♫☼►◄↕‼¶§▬↨↑↓→←∟↔▲▼'
high = (
    'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»'
    '░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀'
    'αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0'
)
cp437 = low + ''.join(map(chr, range(0x20, 0x7F))) + '⌂' + high


def digest(rows: bytes) -> int:
    value = 0x811C9DC5
    for byte in rows.rstrip(b'\0'):
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return (value ^ (value >> 24)) & 0xFFFFFF


def psf(data: bytes):
    """Yields each glyph with its characters."""
    if data[:2] == b'\x36\x04':
        mode, height = data[2], data[3]
        count = 512 if mode & 1 else 256
        glyphs = [data[4 + i * height : 4 + (i + 1) * height] for i in range(count)]
        table = struct.unpack(f'<{(len(data) - 4 - count * height) // 2}H', data[4 + count * height :])
        at, in_sequence, characters = 0, False, [[] for _ in glyphs]
        for value in table:
            if at >= count:
                break
            if value == 0xFFFF:
                at, in_sequence = at + 1, False
            elif value == 0xFFFE:
                in_sequence = True
            elif not in_sequence:
                characters[at].append(value)
        yield from zip(glyphs, characters)
    elif data[:4] == b'\x72\xb5\x4a\x86':
        _, header, flags, count, size, height, width = struct.unpack_from('<7I', data, 4)
        records = data[header + count * size :].split(b'\xff') if flags & 1 and width == 8 else []
        for at, record in enumerate(records[:count]):
            text = record.split(b'\xfe')[0].decode('utf-8')
            yield data[header + at * size : header + (at + 1) * size], [ord(c) for c in text]


# By digest: characters that have the glyph to themselves in some font, and those that share it
# everywhere, as ¤ does with the euro sign where a font has no better one.
alone = collections.defaultdict(set)
shared = collections.defaultdict(set)
for path in sorted(fonts.iterdir()):
    if not wanted.match(path.name):
        continue
    for rows, characters in psf(gzip.decompress(path.read_bytes())):
        public = {c for c in characters if 0x20 < c < 0xD800 or 0xF900 <= c < 0xFFFE}
        if rows.strip(b'\0'):
            (alone if len(public) == 1 else shared)[digest(rows)] |= public
bios = (root / 'public/firmware/vgabios.bin').read_bytes()
for height, first in ((16, '00007e81a58181bd9981817e00000000'), (14, '00007e81a58181bd99817e000000'), (8, '7e81a581bd99817e')):
    start = bios.index(bytes.fromhex(first)) - height
    for code, character in enumerate(cp437):
        rows = bios[start + code * height : start + (code + 1) * height]
        if rows.strip(b'\0'):
            alone[digest(rows)].add(ord(character))

known = collections.defaultdict(set)
for value in alone.keys() | shared.keys():
    for character in alone.get(value) or shared[value]:
        known[character].add(value)
packed = bytearray()
for character, digests in sorted(known.items()):
    packed += struct.pack('<HB', character, len(digests))
    for value in sorted(digests):
        packed += value.to_bytes(3, 'little')
text = base64.b64encode(packed).decode()
(root / 'src/pc/known-glyphs.ts').write_text(
    '/**\n'
    " * Digests of the glyphs of common text fonts, by character; made by tools/fonts/known-glyphs.py. Little\n"
    ' * endian: the character in 2 bytes, a count in 1, and as many digests of 3 bytes each.\n'
    ' */\n'
    'export const knownGlyphs =\n'
    f"  '{text}';\n"
)
print(len(known), 'characters,', sum(map(len, known.values())), 'glyphs,', len(packed), 'bytes')
