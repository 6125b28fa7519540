// The mixed office corpus of the benchmarks: what a company keeps in its mail and drives. Deterministic from a seed.
//
//   node corpus.mjs OUT_DIR COUNT [SEED] [--list FILE]
//
// Documents (docx, xlsx, pptx) share themes, styles, fonts and logos as those of one company do; sizes are log-normal
// with a median of 60 KB and a mean of 170 KB. No real content, nothing downloaded.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import zlib from 'node:zlib';

function random(seed) {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = a;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const crcTable = new Uint32Array(256).map((_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c >>> 0;
});
function crc32(buf) {
  let c = 0xffffffff;
  for (const b of buf) c = crcTable[(c ^ b) & 0xff] ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}

function zip(members) {
  const bodies = [], directory = [];
  let at = 0;
  for (const [name, data, store] of members) {
    const raw = Buffer.isBuffer(data) ? data : Buffer.from(data);
    const packed = store ? raw : zlib.deflateRawSync(raw, { level: 6 });
    const n = Buffer.from(name), h = Buffer.alloc(30), c = Buffer.alloc(46), sum = crc32(raw);
    h.writeUInt32LE(0x04034b50, 0); h.writeUInt16LE(20, 4); h.writeUInt16LE(store ? 0 : 8, 8);
    h.writeUInt32LE(0x5a210000, 10); h.writeUInt32LE(sum, 14); h.writeUInt32LE(packed.length, 18);
    h.writeUInt32LE(raw.length, 22); h.writeUInt16LE(n.length, 26);
    c.writeUInt32LE(0x02014b50, 0); c.writeUInt16LE(20, 4); c.writeUInt16LE(20, 6); c.writeUInt16LE(store ? 0 : 8, 10);
    c.writeUInt32LE(0x5a210000, 12); c.writeUInt32LE(sum, 16); c.writeUInt32LE(packed.length, 20);
    c.writeUInt32LE(raw.length, 24); c.writeUInt16LE(n.length, 28); c.writeUInt32LE(at, 42);
    bodies.push(h, n, packed); directory.push(c, n);
    at += 30 + n.length + packed.length;
  }
  const dir = Buffer.concat(directory), end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0); end.writeUInt16LE(members.length, 8); end.writeUInt16LE(members.length, 10);
  end.writeUInt32LE(dir.length, 12); end.writeUInt32LE(at, 16);
  return Buffer.concat([...bodies, dir, end]);
}

const words = ('quarterly report meeting budget customer schedule delivery invoice contract proposal draft review the of to ' +
  'and in for with by from branch office project system design test result summary item amount total price tax 会議 議事録 ' +
  '見積書 請求書 契約 納品 予算 計画 報告 顧客 担当 確認 資料 添付 宜しく お願い致します 株式会社 部署 営業 開発').split(' ');
function prose(rnd, bytes) {
  const out = [];
  for (let n = 0; n < bytes;) {
    const w = words[Math.floor(rnd() * words.length)] + (rnd() < 0.15 ? String(Math.floor(rnd() * 100000)) : '');
    out.push(w); n += Buffer.byteLength(w) + 1;
    if (rnd() < 0.08) { out.push('\n'); n++; }
  }
  return out.join(' ');
}
function bytes(rnd, n) {
  const b = Buffer.alloc(n);
  for (let i = 0; i + 4 <= n; i += 4) b.writeUInt32LE((rnd() * 4294967296) >>> 0, i);
  return b;
}

function jpeg(rnd, size) {
  const head = Buffer.from('ffd8ffe000104a46494600010100000100010000ffdb004300' + '10'.repeat(64) +
    'ffc0000b0801e0028001011100ffc4001f0000010501010101010100000000000000000102030405060708090a0bffda0008010100003f00', 'hex');
  const body = bytes(rnd, Math.max(64, size - head.length - 2));
  for (let i = 0; i < body.length; i++) if (body[i] === 0xff) body[i] = 0xfe;
  return Buffer.concat([head, body, Buffer.from('ffd9', 'hex')]);
}
function png(rnd, size) {
  const width = 256, height = Math.max(4, Math.floor(size / (width * 3)));
  const rows = Buffer.alloc(height * (1 + width * 3));
  bytes(rnd, rows.length).copy(rows);
  for (let y = 0; y < height; y++) rows[y * (1 + width * 3)] = 0;
  const chunk = (type, data) => {
    const b = Buffer.concat([Buffer.from(type), data]), o = Buffer.alloc(8 + b.length);
    o.writeUInt32BE(data.length, 0); b.copy(o, 4); o.writeUInt32BE(crc32(b), 4 + b.length);
    return o;
  };
  const ihdr = Buffer.alloc(13);
  ihdr.writeUInt32BE(width, 0); ihdr.writeUInt32BE(height, 4); ihdr[8] = 8; ihdr[9] = 2;
  return Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), chunk('IHDR', ihdr), chunk('IDAT', zlib.deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0))]);
}

// What all documents of the company share.
function shared(seed) {
  const rnd = random(seed ^ 0x5ea1);
  const xml = (root, n) => `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<${root} xmlns="http://schemas.openxmlformats.org/x">` +
    Array.from({ length: n }, (_, i) => `<a:entry name="${words[Math.floor(rnd() * words.length)]}${i}" val="${Math.floor(rnd() * 1e9).toString(16)}"/>`).join('') +
    `</${root}>`;
  return {
    themes: Array.from({ length: 6 }, () => xml('a:theme', 130)),
    styles: Array.from({ length: 5 }, () => xml('w:styles', 500)),
    fonts: Array.from({ length: 3 }, () => xml('w:fonts', 30)),
    settings: Array.from({ length: 4 }, () => xml('w:settings', 40)),
    layouts: Array.from({ length: 11 }, () => xml('p:sldLayout', 60)),
    master: xml('p:sldMaster', 200),
    logos: Array.from({ length: 4 }, (_, i) => png(rnd, 6000 + 2000 * i)),
    app: xml('Properties', 8),
  };
}

const contentTypes = (main, kind) => '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<Types xmlns="http://schemas.openxmlformats.org/package/' +
  '2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>' +
  `<Default Extension="xml" ContentType="application/xml"/><Override PartName="${main}" ContentType="application/vnd.openxmlformats-officedocument.${kind}.main+xml"/></Types>`;
const rels = (target) => '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/' +
  `relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="${target}"/></Relationships>`;
const core = (rnd) => `<?xml version="1.0"?><cp:coreProperties xmlns:cp="x"><dc:title>${prose(rnd, 30)}</dc:title><cp:revision>${Math.floor(rnd() * 90)}</cp:revision></cp:coreProperties>`;
const pick = (rnd, list) => list[Math.floor(rnd() * list.length)];

// Text packs to about a quarter, pictures not at all: the rest of the size is pictures.
function fill(rnd, members, prefix, size, textShare) {
  let left = size * (1 - textShare);
  for (let i = 1; left > 2000 && i < 12; i++) {
    const n = i === 11 ? left : Math.min(left, 4000 + rnd() * size * 0.5);
    members.push([`${prefix}/image${i}.${rnd() < 0.6 ? 'jpeg' : 'png'}`, rnd() < 0.6 ? jpeg(rnd, n) : png(rnd, n), true]);
    left -= n;
  }
}

function docx(rnd, sh, size) {
  const paragraphs = prose(rnd, size * 1.2).split('\n').map((p) => `<w:p><w:pPr><w:pStyle w:val="a${Math.floor(rnd() * 20)}"/></w:pPr><w:r><w:t>${p}</w:t></w:r></w:p>`).join('');
  const m = [['[Content_Types].xml', contentTypes('/word/document.xml', 'wordprocessingml.document')], ['_rels/.rels', rels('word/document.xml')],
    ['word/document.xml', `<?xml version="1.0" encoding="UTF-8"?><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>${paragraphs}</w:body></w:document>`],
    ['word/_rels/document.xml.rels', rels('styles.xml')], ['word/theme/theme1.xml', pick(rnd, sh.themes)], ['word/styles.xml', pick(rnd, sh.styles)],
    ['word/fontTable.xml', pick(rnd, sh.fonts)], ['word/settings.xml', pick(rnd, sh.settings)], ['word/webSettings.xml', sh.settings[0]],
    ['word/media/logo.png', pick(rnd, sh.logos), true], ['docProps/app.xml', sh.app], ['docProps/core.xml', core(rnd)]];
  for (let i = 1; i < 3 + rnd() * 8; i++) m.push([`word/header${i}.xml`, `<w:hdr>${prose(rnd, 300)}</w:hdr>`], [`word/footer${i}.xml`, `<w:ftr>${i % 3}</w:ftr>`]);
  for (let i = 1; i < 1 + rnd() * 6; i++) m.push([`customXml/item${i}.xml`, `<b:Sources id="${i}"/>`], [`customXml/itemProps${i}.xml`, `<ds:datastoreItem id="{${i}}"/>`]);
  fill(rnd, m, 'word/media', size, 0.35);
  return zip(m);
}
function xlsx(rnd, sh, size) {
  const m = [['[Content_Types].xml', contentTypes('/xl/workbook.xml', 'spreadsheetml.sheet')], ['_rels/.rels', rels('xl/workbook.xml')],
    ['xl/workbook.xml', '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"/>'], ['xl/theme/theme1.xml', pick(rnd, sh.themes)],
    ['xl/styles.xml', pick(rnd, sh.styles)], ['docProps/app.xml', sh.app], ['docProps/core.xml', core(rnd)],
    ['xl/sharedStrings.xml', `<sst>${prose(rnd, size).split(' ').map((w) => `<si><t>${w}</t></si>`).join('')}</sst>`]];
  const sheets = 1 + Math.floor(rnd() * 5);
  for (let s = 1; s <= sheets; s++) {
    const rows = [];
    for (let r = 1, n = 0; n < (size * 3) / sheets; r++) {
      const row = `<row r="${r}">` + Array.from({ length: 8 }, (_, c) => `<c r="${'ABCDEFGH'[c]}${r}"><v>${Math.floor(rnd() * 1e6)}</v></c>`).join('') + '</row>';
      rows.push(row); n += row.length;
    }
    m.push([`xl/worksheets/sheet${s}.xml`, `<worksheet><sheetData>${rows.join('')}</sheetData></worksheet>`]);
  }
  return zip(m);
}
function pptx(rnd, sh, size) {
  const m = [['[Content_Types].xml', contentTypes('/ppt/presentation.xml', 'presentationml.presentation')], ['_rels/.rels', rels('ppt/presentation.xml')],
    ['ppt/presentation.xml', '<p:presentation/>'], ['ppt/theme/theme1.xml', pick(rnd, sh.themes)], ['ppt/slideMasters/slideMaster1.xml', sh.master],
    ['docProps/app.xml', sh.app], ['docProps/core.xml', core(rnd)]];
  sh.layouts.forEach((l, i) => m.push([`ppt/slideLayouts/slideLayout${i + 1}.xml`, l], [`ppt/slideLayouts/_rels/slideLayout${i + 1}.xml.rels`, rels('../slideMasters/slideMaster1.xml')]));
  for (let i = 1; i < 4 + rnd() * 15; i++) m.push([`ppt/slides/slide${i}.xml`, `<p:sld>${prose(rnd, 1500)}</p:sld>`], [`ppt/slides/_rels/slide${i}.xml.rels`, rels('../slideLayouts/slideLayout1.xml')]);
  m.push(['ppt/media/logo.png', pick(rnd, sh.logos), true]);
  fill(rnd, m, 'ppt/media', size, 0.15);
  return zip(m);
}
function pdf(rnd, sh, size) {
  const objects = [];
  const pages = 1 + Math.floor(rnd() * 20);
  objects.push('<</Type/Catalog/Pages 2 0 R>>', `<</Type/Pages/Kids[${Array.from({ length: pages }, (_, i) => `${i * 2 + 3} 0 R`).join(' ')}]/Count ${pages}>>`);
  for (let i = 0; i < pages; i++) {
    const z = zlib.deflateSync(Buffer.from(prose(rnd, (size * 1.5) / pages).split('\n').map((l) => `BT /F1 10 Tf 40 ${i} Td (${l.replace(/[()\\]/g, '')}) Tj ET`).join('\n')));
    objects.push(`<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents ${i * 2 + 4} 0 R>>`, [`<</Length ${z.length}/Filter/FlateDecode>>`, z]);
  }
  for (let left = size * 0.55; left > 3000;) {
    const n = Math.min(left, 3000 + rnd() * size * 0.4), j = jpeg(rnd, n);
    objects.push([`<</Type/XObject/Subtype/Image/Width 640/Height 480/Filter/DCTDecode/Length ${j.length}>>`, j]);
    left -= n;
  }
  const out = [Buffer.from('%PDF-1.6\n')], offsets = [];
  let at = out[0].length;
  objects.forEach((o, i) => {
    const b = Array.isArray(o) ? Buffer.concat([Buffer.from(`${i + 1} 0 obj${o[0]}stream\n`), o[1], Buffer.from('\nendstream endobj\n')]) : Buffer.from(`${i + 1} 0 obj${o}endobj\n`);
    offsets.push(at); out.push(b); at += b.length;
  });
  out.push(Buffer.from(`xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${offsets.map((o) => String(o).padStart(10, '0') + ' 00000 n \n').join('')}trailer<</Size ${objects.length + 1}/Root 1 0 R>>\nstartxref\n${at}\n%%EOF\n`));
  return Buffer.concat(out);
}
const b64 = (b) => b.toString('base64').replace(/(.{76})/g, '$1\r\n');
function eml(rnd, sh, size) {
  const attach = rnd() < 0.6 ? [pick(rnd, [['docx', docx], ['xlsx', xlsx], ['pdf', pdf], ['jpg', (r, s, n) => jpeg(r, n)]])] : [];
  const html = `<html><body>${prose(rnd, 3000).split('\n').map((p) => `<p>${p} <a href="https://www.example.com/${Math.floor(rnd() * 1000)}">link</a></p>`).join('')}</body></html>`;
  let m = `From: a${Math.floor(rnd() * 50)}@aoba.example\r\nTo: b@aoba.example\r\nSubject: =?UTF-8?B?${Buffer.from(prose(rnd, 30)).toString('base64')}?=\r\n` +
    `Message-ID: <${Math.floor(rnd() * 1e12)}@aoba.example>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="=_m"\r\n\r\n` +
    `--=_m\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: base64\r\n\r\n${b64(Buffer.from(prose(rnd, 2000)))}\r\n` +
    `--=_m\r\nContent-Type: text/html; charset=UTF-8\r\nContent-Transfer-Encoding: base64\r\n\r\n${b64(Buffer.from(html))}\r\n`;
  for (const [ext, make] of attach)
    m += `--=_m\r\nContent-Type: application/octet-stream; name="file.${ext}"\r\nContent-Disposition: attachment; filename="file.${ext}"\r\n` +
      `Content-Transfer-Encoding: base64\r\n\r\n${b64(make(rnd, sh, size * 0.7))}\r\n`;
  return Buffer.from(m + '--=_m--\r\n');
}
function archive(rnd, sh, size) {
  const kinds = [['docx', docx], ['pdf', pdf], ['txt', (r, s, n) => Buffer.from(prose(r, n))]];
  return zip(Array.from({ length: 2 + Math.floor(rnd() * 4) }, (_, i) => {
    const [ext, make] = pick(rnd, kinds);
    return [`folder/file${i}.${ext}`, make(rnd, sh, size / 3)];
  }));
}

const mix = [[0.30, 'docx', docx], [0.15, 'xlsx', xlsx], [0.12, 'pptx', pptx], [0.17, 'pdf', pdf], [0.12, 'eml', eml], [0.04, 'zip', archive],
  [0.04, 'jpg', (r, s, n) => jpeg(r, n)], [0.02, 'png', (r, s, n) => png(r, n)], [0.02, 'csv', (r, s, n) => Buffer.from(prose(r, n).replaceAll(' ', ','))],
  [0.02, 'html', (r, s, n) => Buffer.from(`<!DOCTYPE html><html><body><p>${prose(r, n)}</p></body></html>`)]];

const [out, count, seed = '1'] = process.argv.slice(2).filter((a, i, l) => !a.startsWith('--') && l[i - 1] !== '--list');
const listAt = process.argv.indexOf('--list');
if (!out || !(Number(count) > 0)) {
  console.error('usage: node corpus.mjs OUT_DIR COUNT [SEED] [--list FILE]');
  process.exit(2);
}
mkdirSync(out, { recursive: true });
const sh = shared(Number(seed));
const paths = [], sizes = [];
for (let i = 0; i < Number(count); i++) {
  const rnd = random(Number(seed) * 1000003 + i);
  let x = rnd(), kind = mix[mix.length - 1];
  for (const k of mix) { if (x < k[0]) { kind = k; break; } x -= k[0]; }
  const gauss = Math.sqrt(-2 * Math.log(1 - rnd())) * Math.cos(2 * Math.PI * rnd());
  const size = Math.min(6e6, Math.max(2000, 46000 * Math.exp(1.5 * gauss)));
  const data = kind[2](rnd, sh, size), path = join(out, `${String(i).padStart(5, '0')}.${kind[1]}`);
  writeFileSync(path, data);
  paths.push(path); sizes.push(data.length);
}
if (listAt > 0) writeFileSync(process.argv[listAt + 1], paths.join('\n') + '\n');
sizes.sort((a, b) => a - b);
console.log(JSON.stringify({ files: sizes.length, bytes: sizes.reduce((a, b) => a + b, 0), median: sizes[sizes.length >> 1],
  mean: Math.round(sizes.reduce((a, b) => a + b, 0) / sizes.length) }));
