// A pad for a curve over the epochs: drawn with a pointer, or point by point with the arrow keys. Python hears the value
// of each epoch when the pointer is lifted, and `null` once the pad is empty.

import { component } from "./mounting.js"

const HEIGHT = 260, LEFT = 46, RIGHT = 14, TOP = 26, BOTTOM = 40
const SVG = "http://www.w3.org/2000/svg"
const HTML = `
  <svg height="${HEIGHT}" tabindex="0" role="slider" aria-valuemin="0"><g class="grid"></g><text class="title" x="0" y="14"></text>
    <text class="readout" y="14" text-anchor="end"></text><text class="hint" text-anchor="middle"></text>
    <path class="line"></path><g class="knots"></g><circle class="cursor" r="6"></circle></svg>
  <div class="row"><span class="small">Mouse, finger or keys: ← → choose the epoch, ↑ ↓ the value.</span>
    <button type="button" class="undo">Undo</button><button type="button" class="clear">Clear</button></div>`

const within = (value, low, high) => Math.min(Math.max(value, low), high)

/** Round steps, at most `most` of them, up to `end`. */
function steps(end, most) {
  const step = [1, 2, 5, 10, 20, 25, 50, 100, 200, 500, 1000].find((each) => end / each <= most)
  return Array.from({ length: Math.floor(end / step) }, (_, place) => (place + 1) * step)
}

class CurvePad {
  constructor(root) {
    this.svg = root.querySelector("svg")
    this.find = (selector) => root.querySelector(selector)
    this.knots = new Map() // what was drawn, by epoch; in between it is a straight line
    this.undone = []
    this.cursor = 1
    this.find(".undo").onclick = () => this.change(() => (this.knots = this.undone.pop()))
    this.find(".clear").onclick = () => this.change(() => {
      this.remember()
      this.knots = new Map()
    })
    this.draws()
    this.keys()
    this.watcher = new ResizeObserver(() => this.data && this.layOut())
    this.watcher.observe(root)
  }

  hear(component) {
    this.component = component
    const { epochs, most, unit, title, curve } = component.data
    if (this.data) return
    this.data = { epochs, most, unit, title }
    if (curve) this.knots = new Map(curve.map((value, place) => [place + 1, value]))
    this.svg.setAttribute("aria-label", `${title} by epoch, as you expect it. Left and right choose the epoch, up and down change the value.`)
    this.svg.setAttribute("aria-valuemax", most)
    this.find(".title").textContent = title
    this.layOut()
  }

  close() {
    this.watcher.disconnect()
    clearTimeout(this.timer)
  }

  /** The value at an epoch; undefined while the pad is empty. Before the first knot and after the last it is level. */
  at(epoch) {
    let before, after
    for (const each of this.knots.keys()) {
      if (each <= epoch && !(before >= each)) before = each
      if (each >= epoch && !(after <= each)) after = each
    }
    if (before === undefined || after === undefined || before === after) return this.knots.get(before ?? after)
    const share = (epoch - before) / (after - before)
    return (1 - share) * this.knots.get(before) + share * this.knots.get(after)
  }

  values() {
    return Array.from({ length: this.data.epochs }, (_, place) => Math.round(10 * this.at(place + 1)) / 10)
  }

  x(epoch) {
    return LEFT + ((epoch - 1) / Math.max(1, this.data.epochs - 1)) * (this.width - LEFT - RIGHT)
  }

  y(value) {
    return HEIGHT - BOTTOM - (value / this.data.most) * (HEIGHT - TOP - BOTTOM)
  }

  layOut() {
    this.width = Math.max(220, this.svg.clientWidth)
    const { epochs, most, unit } = this.data, right = this.width - RIGHT, bottom = HEIGHT - BOTTOM
    const parts = []
    for (const value of [0, ...steps(most, 5)]) {
      parts.push(made("path", { d: `M${LEFT} ${this.y(value)}H${right}` }))
      parts.push(made("text", { x: LEFT - 8, y: this.y(value) + 4, "text-anchor": "end" }, `${value}${unit === "%" ? " %" : ""}`))
    }
    for (const epoch of [1, ...steps(epochs, this.width < 400 ? 5 : 10)]) {
      parts.push(made("path", { d: `M${this.x(epoch)} ${bottom}v5` }))
      parts.push(made("text", { x: this.x(epoch), y: bottom + 18, "text-anchor": "middle" }, `${epoch}`))
    }
    parts.push(made("text", { x: (LEFT + right) / 2, y: HEIGHT - 4, "text-anchor": "middle" }, "Epoch"))
    this.find(".grid").replaceChildren(...parts)
    const set = (selector, values) => Object.entries(values).forEach(([name, value]) => this.find(selector).setAttribute(name, value))
    set(".readout", { x: right })
    set(".hint", { x: (LEFT + right) / 2, y: (TOP + bottom) / 2 })
    this.find(".hint").textContent = this.width < 400 ? "Draw the curve here" : "Draw here how you think the curve will run"
    this.paint()
  }

  paint() {
    const isEmpty = !this.knots.size
    const line = isEmpty ? [] : this.values().map((value, place) => `${this.x(place + 1)} ${this.y(value)}`)
    this.find(".line").setAttribute("d", line.length ? `M${line.join("L")}` : "")
    const few = this.knots.size <= 8 ? [...this.knots] : []
    this.find(".knots").replaceChildren(...few.map(([epoch, value]) => made("circle", { cx: this.x(epoch), cy: this.y(value), r: 4 })))
    const value = this.at(this.cursor) ?? 0
    const cursor = this.find(".cursor")
    cursor.setAttribute("cx", this.x(this.cursor))
    cursor.setAttribute("cy", this.y(value))
    const said = isEmpty ? `Epoch ${this.cursor}: nothing drawn` : `Epoch ${this.cursor}: ${Math.round(value)} ${this.data.unit}`
    this.find(".readout").textContent = said
    this.svg.classList.toggle("empty", isEmpty)
    this.svg.setAttribute("aria-valuenow", Math.round(value))
    this.svg.setAttribute("aria-valuetext", said)
    this.find(".clear").disabled = isEmpty
    this.find(".undo").disabled = !this.undone.length
  }

  draws() {
    const { svg } = this
    const place = (event) => {
      const area = svg.getBoundingClientRect(), { epochs, most } = this.data
      const along = (event.clientX - area.left - LEFT) / (this.width - LEFT - RIGHT)
      const up = (HEIGHT - BOTTOM - (event.clientY - area.top)) / (HEIGHT - TOP - BOTTOM)
      return [within(1 + along * (epochs - 1), 1, epochs), within(up * most, 0, most)]
    }
    svg.onpointerdown = (event) => {
      if (event.button !== 0 || this.pointer !== undefined) return
      event.preventDefault()
      svg.focus({ preventScroll: true })
      svg.setPointerCapture(event.pointerId)
      this.pointer = event.pointerId
      this.remember()
      this.last = place(event)
      this.pass(this.last, this.last)
    }
    svg.onpointermove = (event) => {
      if (event.pointerId !== this.pointer) return
      const events = event.getCoalescedEvents?.() ?? []
      for (const each of events.length ? events : [event]) {
        const now = place(each)
        this.pass(this.last, now)
        this.last = now
      }
    }
    svg.onpointerup = svg.onpointercancel = (event) => {
      if (event.pointerId !== this.pointer) return
      this.pointer = undefined
      this.send()
    }
  }

  /** The pointer went from one place to the other: every epoch in between gets the value that it passed. */
  pass([from, low], [to, high]) {
    this.cursor = Math.round(to)
    this.knots.set(this.cursor, high)
    for (let epoch = Math.ceil(Math.min(from, to)); epoch <= Math.max(from, to); epoch++) {
      this.knots.set(epoch, from === to ? high : low + ((epoch - from) / (to - from)) * (high - low))
    }
    this.paint()
  }

  keys() {
    this.svg.onkeydown = (event) => {
      const { epochs, most } = this.data, value = this.at(this.cursor) ?? 0
      const to = { ArrowLeft: this.cursor - 1, ArrowRight: this.cursor + 1, Home: 1, End: epochs }[event.key]
      const by = { ArrowUp: 1, ArrowDown: -1, PageUp: 10, PageDown: -10 }[event.key]
      if (to === undefined && by === undefined) return
      event.preventDefault()
      event.stopPropagation()
      if (to !== undefined) {
        this.cursor = within(to, 1, epochs)
        this.paint()
        return
      }
      // Keys in quick succession are one change.
      if (!this.timer) this.remember()
      this.knots.set(this.cursor, within(value + by * (event.shiftKey ? 10 : 1), 0, most))
      this.paint()
      clearTimeout(this.timer)
      this.timer = setTimeout(() => this.send(), 400)
    }
  }

  remember() {
    this.undone.push(new Map(this.knots))
  }

  change(act) {
    act()
    this.paint()
    this.send()
  }

  send() {
    clearTimeout(this.timer)
    this.timer = undefined
    this.component.setStateValue("curve", this.knots.size ? this.values() : null)
  }
}

function made(kind, values, text = "") {
  const element = document.createElementNS(SVG, kind)
  for (const [name, value] of Object.entries(values)) element.setAttribute(name, value)
  element.textContent = text
  return element
}

export default component("curve-pad", (root) => {
  root.innerHTML = HTML
  return new CurvePad(root)
})
