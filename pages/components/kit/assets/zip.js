// Packs files into a .zip in the browser, uncompressed, so that a folder is uploaded and imported as a .zip is.
// Nothing is copied: the result is a Blob that refers to the files (APPNOTE.TXT, 4.3).

const MOST_ENTRIES = 65534, READ_BYTES = 4 << 20, UTF8 = 0x0800, DATE_1980 = 0x21
const encoder = new TextEncoder()
const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1
  return n >>> 0
})

/** `entries` are {path, blob}; `told(done, total)` hears how many are read; `signal` ends it. */
export async function packZip(entries, told, signal) {
  if (entries.length > MOST_ENTRIES) {
    throw new Error(`There are ${entries.length.toLocaleString("en")} files; at most ${MOST_ENTRIES.toLocaleString("en")} can be packed here. Pack them as a .zip yourself.`)
  }
  const parts = [], central = []
  let offset = 0, centralBytes = 0
  for (const [done, { path, blob }] of entries.entries()) {
    signal.throwIfAborted()
    told(done, entries.length)
    const name = encoder.encode(path)
    const fields = [20, UTF8, 0, 0, DATE_1980]
    const sizes = [await checksum(blob, signal), blob.size, blob.size]
    const local = header(0x04034b50, fields, sizes, [name.length, 0])
    const listed = header(0x02014b50, [20, ...fields], sizes, [name.length, 0, 0, 0, 0], [0, offset])
    parts.push(local, name, blob)
    central.push(listed, name)
    offset += local.length + name.length + blob.size
    centralBytes += listed.length + name.length
    if (offset > 0xfffffffe) throw new Error("The files are too large to be packed here. Pack them as a .zip yourself.")
  }
  const end = header(0x06054b50, [0, 0, entries.length, entries.length], [centralBytes, offset], [0])
  return new Blob([...parts, ...central, end], { type: "application/zip" })
}

/** A signature of 32 bits, then groups: 16 bits each in the first and third, 32 bits in the second and fourth. */
function header(signature, ...groups) {
  const sizes = groups.map((group, index) => group.length * (index % 2 ? 4 : 2))
  const view = new DataView(new ArrayBuffer(4 + sizes.reduce((sum, size) => sum + size, 0)))
  view.setUint32(0, signature, true)
  let at = 4
  groups.forEach((group, index) => group.forEach((value) => {
    index % 2 ? view.setUint32(at, value, true) : view.setUint16(at, value, true)
    at += index % 2 ? 4 : 2
  }))
  return new Uint8Array(view.buffer)
}

async function checksum(blob, signal) {
  let crc = 0xffffffff
  for (let at = 0; at < blob.size; at += READ_BYTES) {
    signal.throwIfAborted()
    const bytes = new Uint8Array(await blob.slice(at, at + READ_BYTES).arrayBuffer())
    for (let i = 0; i < bytes.length; i++) crc = TABLE[(crc ^ bytes[i]) & 255] ^ (crc >>> 8)
  }
  return (crc ^ 0xffffffff) >>> 0
}
