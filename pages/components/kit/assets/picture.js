// A picture that was collected: its small copy with a button that removes it, and whether it can be read.

const SIDE = 112
// TIFF, which no browser but Safari shows, and AVIF, which old ones do not: the import reads both, whatever their name.
const NOT_SHOWN = /^(II\*\0|MM\0\*|....ftypavi[fs])/s

let decoding = Promise.resolve() // one at a time: each large photo takes some 50 MB

export class Picture {
  /** `checked()` is called when it turns out that it cannot be read. */
  constructor(blob, name, checked) {
    this.blob = blob
    this.name = name.replace(/[/\\]/g, "-").replace(/^\.+/, "")
    this.isUnreadable = false
    this.checked = checked
    this.element = document.createElement("div")
    this.element.className = "thumb"
    this.element.title = name
    this.canvas = document.createElement("canvas")
    this.canvas.width = this.canvas.height = SIDE
    const remove = document.createElement("button")
    remove.type = "button"
    remove.textContent = "×"
    remove.title = `Remove ${name}`
    remove.setAttribute("aria-label", remove.title)
    remove.onclick = () => this.onremove()
    this.element.append(this.canvas, remove)
    decoding = decoding.then(() => this.decode())
  }
  // An <img> says nothing of a file that was cut off; this refuses it, as the import does.
  async decode() {
    try {
      const bitmap = await createImageBitmap(this.blob)
      const side = Math.min(bitmap.width, bitmap.height)
      const [x, y] = [(bitmap.width - side) / 2, (bitmap.height - side) / 2]
      this.canvas.getContext("2d").drawImage(bitmap, x, y, side, side, 0, 0, SIDE, SIDE)
      bitmap.close()
    } catch {
      const head = await this.blob.slice(0, 16).arrayBuffer().catch(() => new ArrayBuffer(0))
      if (NOT_SHOWN.test(String.fromCharCode(...new Uint8Array(head)))) this.element.classList.add("not-shown")
      else this.refuse()
    }
  }
  /** Mark it as one that cannot be read. */
  refuse() {
    this.isUnreadable = true
    this.element.classList.add("bad")
    this.element.title = `${this.name} cannot be read`
    this.checked()
  }
}
